# The last Apache Kafka of the 3 line, for what its brokers speak.
# shellcheck source=/dev/null
source "$home/kafka.sh"
port=${HIGHWATER_KAFKA_3_9_PORT:-9098}
controller=${HIGHWATER_KAFKA_3_9_CONTROLLER_PORT:-19098}
version=3.9.2
