# Apache Kafka in KRaft mode: one process is broker and controller. Topics are made by whoever needs them.
port=${HIGHWATER_KAFKA_PORT:-9092}
controller=${HIGHWATER_KAFKA_CONTROLLER_PORT:-19092}
# Empty: the version that pom.xml names.
version=
# What a broker of a larger cluster says otherwise.
node=1 voters= bootstrap= replicas=1 in_sync=1
# Starts fast and stays small; speed is measured elsewhere.
jvm="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"

# The class path is remembered under a digest of the pom, so that another version resolves anew.
classpath_file() {
    echo "$installed/classpath/kafka-$(cksum <"$home/pom.xml" | cut -d' ' -f1)${version:+-$version}"
}

install() {
    local file; file=$(classpath_file)
    [ ! -s "$file" ] || return 0
    command -v mvn >/dev/null || fail "kafka: Maven is not installed: install the package maven"
    say "installing Apache Kafka $version ..."
    mkdir -p "$(dirname "$file")"
    mvn -q -B -f "$home/pom.xml" ${version:+-Dkafka.version="$version"} -Dmaven.repo.local="$installed/m2" dependency:build-classpath \
        -DincludeScope=runtime -Dmdep.outputFile="$file.new" >&2 ||
        fail "kafka: Maven could not fetch it: see the message above"
    mv "$file.new" "$file"
}

# MAIN ARG..: the Java command line, in the array `command`.
java_command() {
    command=("$(java_of 17)" $jvm -cp "$(cat "$(classpath_file)")" "$@")
}

prepare() {
    cat >"$folder/server.properties" <<END
process.roles=broker,controller
node.id=$node
controller.quorum.voters=${voters:-1@127.0.0.1:$controller}
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$folder/data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.backoff.ms=200
END
    [ ! -d "$folder/data" ] || return 0
    java_command -Xmx128m kafka.tools.StorageTool format \
        -t aGlnaHdhdGVyLWtyYWZ0MQ -c "$folder/server.properties"
    "${command[@]}" >>"$folder/log" 2>&1 ||
        { tail -n 20 "$folder/log" >&2; fail "kafka: its data folder could not be made: read $folder/log"; }
}

launch() {
    java_command -Dorg.slf4j.simpleLogger.defaultLogLevel=info -Xmx512m kafka.Kafka "$folder/server.properties"
    spawn "${command[@]}"
}

# The port opens before the broker takes requests; its log says when.
answers() { listening "$port" && grep -q 'Kafka Server started' "$folder/log"; }

exports() { echo "export HIGHWATER_${name^^}_BOOTSTRAP=127.0.0.1:$port"; }

tool() {
    local class
    case ${1:-} in
        topics)  class=TopicCommand ;;
        produce) class=ConsoleProducer ;;
        consume) class=consumer.ConsoleConsumer ;;
        offsets) class=GetOffsetShell ;;
        *) fail "kafka has the tools topics, produce, consume and offsets" ;;
    esac
    java_command -Dorg.slf4j.simpleLogger.defaultLogLevel=error -Xmx256m \
        "org.apache.kafka.tools.$class" --bootstrap-server "${bootstrap:-127.0.0.1:$port}" "${@:2}"
    exec "${command[@]}"
}
