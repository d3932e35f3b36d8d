# One broker of a cluster of three, kafka_node@1 to kafka_node@3: start all of them together. Each record is kept by
# all, and written once two have it, so that one may be down. They take six ports from the first on.
# shellcheck source=/dev/null
source "$home/kafka.sh"
case $instance in [123]) ;; *) fail "kafka_node: write kafka_node@1, kafka_node@2 or kafka_node@3" ;; esac
first=${HIGHWATER_KAFKA_NODE_PORT:-9190}
node=$instance replicas=3 in_sync=2
port=$((first + node - 1)) controller=$((first + node + 2))
bootstrap=127.0.0.1:$first,127.0.0.1:$((first + 1)),127.0.0.1:$((first + 2))
voters=1@127.0.0.1:$((first + 3)),2@127.0.0.1:$((first + 4)),3@127.0.0.1:$((first + 5))

exports() { [ "$node" != 1 ] || echo "export HIGHWATER_KAFKA_NODE_BOOTSTRAP=$bootstrap"; }
