# The same Apache Kafka behind SASL_SSL: user alice by SCRAM-SHA-512 or PLAIN, who must say again every two seconds
# who she is. One port besides is open to everybody. Certificates are made anew with the data; clients trust ca.pem.
# shellcheck source=/dev/null
source "$home/kafka.sh"
port=${HIGHWATER_KAFKA_SECURED_PORT:-9095}
controller=${HIGHWATER_KAFKA_SECURED_CONTROLLER_PORT:-19095}
open=${HIGHWATER_KAFKA_SECURED_OPEN_PORT:-9096}
password=${HIGHWATER_KAFKA_SECURED_PASSWORD:-alice-secret}

# NAME SUBJECT OPTION..: a certificate and its key in NAME.pem.
certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$2" -keyout "$folder/$1.key" -out "$folder/$1.crt" \
        "${@:3}" 2>>"$folder/log" || fail "kafka_secured: no certificate could be made: read $folder/log"
    cat "$folder/$1.key" "$folder/$1.crt" >"$folder/$1.pem"
}

prepare() {
    cat >"$folder/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=SASL_SSL://127.0.0.1:$port,OPEN://127.0.0.1:$open,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=SASL_SSL:SASL_SSL,OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=OPEN
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
    user_alice="$password";
connections.max.reauth.ms=2000
ssl.keystore.type=PEM
ssl.keystore.location=$folder/broker.pem
log.dirs=$folder/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
END
    [ ! -d "$folder/data" ] || return 0
    command -v openssl >/dev/null || fail "kafka_secured: openssl is not installed: install the package openssl"
    certificate ca "highwater tests"
    cp "$folder/ca.crt" "$folder/ca.pem"
    certificate broker 127.0.0.1 -CA "$folder/ca.crt" -CAkey "$folder/ca.key" \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE
    java_command -Xmx128m kafka.tools.StorageTool format -t aGlnaHdhdGVyLWtyYWZ0Mg -c "$folder/server.properties" \
        --add-scram "SCRAM-SHA-512=[name=alice,password=$password]"
    "${command[@]}" >>"$folder/log" 2>&1 ||
        { tail -n 20 "$folder/log" >&2; fail "kafka_secured: its data folder could not be made: read $folder/log"; }
}

exports() {
    echo "export HIGHWATER_KAFKA_SECURED_BOOTSTRAP=127.0.0.1:$port"
    echo "export HIGHWATER_KAFKA_SECURED_CA=$folder/ca.pem"
}

tool() { fail "kafka_secured has no tools"; }
