# Apicurio Registry, in memory; it speaks the API of Confluent's Schema Registry. Needs a Java 21:
# HIGHWATER_REGISTRY_JAVA names one, where the system has none.
port=${HIGHWATER_REGISTRY_PORT:-8085}
management=${HIGHWATER_REGISTRY_MANAGEMENT_PORT:-18085}
version=3.3.3
unpacked=$installed/apicurio-registry-$version

install() {
    local archive=$installed/m2/io/apicurio/apicurio-registry-app/$version/apicurio-registry-app-$version-all.tar.gz
    [ ! -s "$unpacked/quarkus-run.jar" ] || return 0
    command -v mvn >/dev/null || fail "registry: Maven is not installed: install the package maven"
    say "installing Apicurio Registry ..."
    mvn -q -B -Dmaven.repo.local="$installed/m2" dependency:get -Dtransitive=false \
        -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" >&2 ||
        fail "registry: Maven could not fetch it: see the message above"
    rm -rf "$unpacked.new" && mkdir -p "$unpacked.new"
    tar xf "$archive" -C "$unpacked.new" && mv "$unpacked.new" "$unpacked"
    rm "$archive"
}

prepare() { :; }

launch() {
    local java=${HIGHWATER_REGISTRY_JAVA:-$(java_of 21)}
    spawn "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m \
        -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
        -Dquarkus.management.host=127.0.0.1 -Dquarkus.management.port="$management" \
        -jar "$unpacked/quarkus-run.jar"
}

# The port opens before the storage is ready.
answers() {
    local head
    listening "$port" || return 1
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET /apis/ccompat/v7/subjects HTTP/1.0\r\n\r\n' >&3
    read -r -t 5 head <&3 || head=
    exec 3>&-
    [[ $head == *" 200 "* ]]
}

exports() { echo "export HIGHWATER_REGISTRY_URL=http://127.0.0.1:$port/apis/ccompat/v7"; }

tool() { fail "registry has no tools"; }
