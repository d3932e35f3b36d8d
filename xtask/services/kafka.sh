# Apache Kafka in KRaft mode: one process is broker and controller. Topics are made by whoever needs them.
port=${HIGHWATER_KAFKA_PORT:-9092}
controller=${HIGHWATER_KAFKA_CONTROLLER_PORT:-19092}
# Starts fast and stays small; speed is measured elsewhere.
jvm="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"

# The class path is remembered under a digest of the pom, so that another version resolves anew.
classpath_file() { echo "$installed/classpath/kafka-$(cksum <"$home/pom.xml" | cut -d' ' -f1)"; }

install() {
    local file; file=$(classpath_file)
    [ ! -s "$file" ] || return 0
    command -v mvn >/dev/null || fail "kafka: Maven is not installed: install the package maven"
    say "installing Apache Kafka ..."
    mkdir -p "$(dirname "$file")"
    mvn -q -B -f "$home/pom.xml" -Dmaven.repo.local="$installed/m2" dependency:build-classpath \
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
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
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

exports() { echo "export HIGHWATER_KAFKA_BOOTSTRAP=127.0.0.1:$port"; }

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
        "org.apache.kafka.tools.$class" --bootstrap-server "127.0.0.1:$port" "${@:2}"
    exec "${command[@]}"
}
