#!/usr/bin/env bash
# A cluster on this machine, without containers: n nodes in processes of their own, on loopback, with ports and folders of their own, on one Kafka and one PostgreSQL.
#
#   ./cluster.sh up [-n 3] [--kafka HOST:PORT] [--database 'Host=…;Database=…'] [--partitions 12] [--port 8080] [--no-build] [NAME=VALUE …]
#                          builds, starts the nodes, prints their addresses, and stops them all on Ctrl-C
#   ./cluster.sh status    says, from another terminal, who runs and who counts what
#   ./cluster.sh stop N    asks node N to leave (SIGTERM)            ./cluster.sh kill N    ends it at once (SIGKILL)
#   ./cluster.sh start N   starts node N again, or a new one         ./cluster.sh freeze N  and  thaw N: SIGSTOP and SIGCONT
#   ./cluster.sh load RATE SECONDS [NODES] [OPTION …]   clicks at the first so many nodes, or all, and checks every count (AdClick.Benchmarks load)
#   ./cluster.sh fill [CLICKS]                           lets it count clicks that it has to remember, without the way through the gateways
#   ./cluster.sh costs [SECONDS]                         what a click costs under the load that there is: processor, network, rows
#   ./cluster.sh pauses [SECONDS]                        how long each partition is not counted at most, while nodes come and go
#
# Without --kafka: the mock cluster of AdClick.Benchmarks, which keeps the newest 5 MiB of each partition in memory. Without --database: a new database on the server of
# ".ci/postgres start plain", dropped at the end. A given database must be empty, or have counted the given Kafka's topic. NAME=VALUE are settings of all nodes, such as
# AdClick:CheckpointInterval=00:00:05. ADCLICK_CLUSTER names the folder of data, output and keys (default: ./data-cluster).
set -euo pipefail
cd "$(dirname "$0")"

readonly folder=${ADCLICK_CLUSTER:-$PWD/data-cluster}
readonly gateway=AdClick.Gateway/bin/Release/net10.0/AdClick.Gateway.dll benchmarks=AdClick.Benchmarks/bin/Release/net10.0/AdClick.Benchmarks.dll
readonly left_out=3 # exit code of a node that the cluster goes on without (docs/operations.md)

usage() { sed -n '/^#   /s/^#   //p' "$0" >&2; exit 2; }
fail() { echo "$*" >&2; exit 1; }
node_pid() { cat "$folder/node$1/pid" 2>/dev/null || fail "Node $1 does not run."; }

# Keeps one node as it is wanted: up or down. Like any good supervisor, it starts a node again that was left out.
supervise() {
  local n=$1 home=$folder/node$1 code pid
  while true; do
    if [ "$(cat "$home/wanted")" != up ]; then sleep 0.3; continue; fi
    code=0
    env "AdClick__Data=$home/data" "AdClick__Cluster__Port=$((cluster_port + n - 1))" dotnet "$gateway" --urls "http://127.0.0.1:$((port + n - 1))" "${settings[@]}" >>"$home/output.log" 2>&1 &
    pid=$!
    echo $pid >"$home/pid"
    wait $pid || code=$?
    rm -f "$home/pid"
    if [ "$(cat "$home/wanted")" = up ]; then
      echo "Node $n ended with exit code $code; see $home/output.log."
      if [ $code -eq $left_out ]; then echo "Node $n is started again."; else echo down >"$home/wanted"; fi
    fi
  done
}

want() {
  mkdir -p "$folder/node$1"
  echo "$2" >"$folder/node$1/wanted"
}

finish() {
  trap - EXIT
  trap '' INT TERM
  echo "Stopping …"
  for home in "$folder"/node*; do
    echo down >"$home/wanted"
    if [ -f "$home/pid" ]; then kill -CONT "$(cat "$home/pid")" 2>/dev/null || true; kill -TERM "$(cat "$home/pid")" 2>/dev/null || true; fi
  done
  for home in "$folder"/node*; do while [ -f "$home/pid" ]; do sleep 0.2; done; done
  for job in "${supervisors[@]}"; do kill "$job" 2>/dev/null || true; done
  if [ -n "${kafka_pid:-}" ]; then exec 9>&-; wait "$kafka_pid" 2>/dev/null || true; rm -f "$folder/kafka-in"; fi
  if [ -n "${own_database:-}" ]; then .ci/postgres psql plain -qc "DROP DATABASE $own_database WITH (FORCE)"; fi
  rm -f "$folder/up"
}

up() {
  local n=3 kafka='' database='' build=true first=true
  partitions=12 port=8080 cluster_port=4053 settings=()
  while [ $# -gt 0 ]; do
    case $1 in
      -n) n=$2; shift 2 ;;
      --kafka) kafka=$2; shift 2 ;;
      --database) database=$2; shift 2 ;;
      --partitions) partitions=$2; shift 2 ;;
      --port) port=$2; cluster_port=$((port + 1000)); shift 2 ;;
      --no-build) build=false; shift ;;
      *=*) settings+=("--$1"); shift ;;
      *) usage ;;
    esac
  done
  [ ! -f "$folder/up" ] || ! kill -0 "$(cat "$folder/up")" 2>/dev/null || fail "A cluster runs in $folder already; stop it, or set ADCLICK_CLUSTER to another folder."
  if $build; then dotnet build AdClick.sln -c Release -v q -p:RunAnalyzers=false; fi
  mkdir -p "$folder"
  rm -rf "$folder"/node*/pid "$folder"/node*/wanted
  echo $$ >"$folder/up"
  supervisors=()
  mkdir -p "$folder/node1"
  trap finish EXIT
  trap exit INT TERM

  if [ -z "$kafka" ]; then
    rm -rf "$folder"/node*/data "$folder/kafka-in" # a mock cluster that is started anew holds nothing of the one before
    mkfifo "$folder/kafka-in"
    # It ends with its standard input, however this script ends.
    dotnet "$benchmarks" mock-kafka --topic adclick-clicks --partitions "$partitions" <"$folder/kafka-in" >"$folder/kafka.log" 2>&1 9>&- &
    kafka_pid=$!
    exec 9>"$folder/kafka-in"
    until grep -q ':[0-9]' "$folder/kafka.log"; do kill -0 $kafka_pid 2>/dev/null || fail "The mock Kafka cluster did not start: $(cat "$folder/kafka.log")"; sleep 0.1; done
    kafka=$(head -1 "$folder/kafka.log")
  fi

  if [ -z "$database" ]; then
    database=$(.ci/postgres start plain)
    own_database=adclick_cluster_$$
    .ci/postgres psql plain -qc "CREATE DATABASE $own_database"
    database="$database;Database=$own_database"
  fi

  umask 077
  [ -f "$folder/admin.key" ] || openssl rand -hex 16 >"$folder/admin.key"
  [ -f "$folder/signing.key" ] || openssl rand -base64 32 >"$folder/signing.key"
  [ -f "$folder/cluster.key" ] || openssl rand -base64 32 >"$folder/cluster.key"
  export AdClick__AdminKey AdClick__SigningKeys__k1 AdClick__Cluster__Secret
  AdClick__AdminKey=$(cat "$folder/admin.key") AdClick__SigningKeys__k1=$(cat "$folder/signing.key") AdClick__Cluster__Secret=$(cat "$folder/cluster.key")
  export AdClick__ClickLog=kafka AdClick__Kafka__BootstrapServers=$kafka AdClick__Kafka__ReplicationFactor=1 AdClick__Kafka__MinInsyncReplicas=1
  export AdClick__Partitions=$partitions AdClick__Database=postgres ConnectionStrings__AdClick=$database
  # The same seeds on every node: the first one, started alone, forms the cluster; started again, it asks the others first.
  AdClick__Cluster__Seeds=$(for i in $(seq "$n"); do echo "127.0.0.1:$((cluster_port + i - 1))"; done | paste -sd,)
  export AdClick__Cluster__Seeds
  echo "$port" >"$folder/port"
  echo "$cluster_port" >"$folder/cluster-port"
  echo "$kafka" >"$folder/kafka"
  grep -o ':[0-9]*' <<<"$kafka" | tr -d : | paste -sd, >"$folder/kafka-ports"
  if [[ ${database,,} =~ (^|;)port=([0-9]+) ]]; then echo "${BASH_REMATCH[2]}"; else echo 5432; fi >"$folder/database-port"
  for i in $(seq "$n"); do want "$i" up; done

  local known=' '
  while true; do
    for home in "$folder"/node*; do
      local i=${home##*node}
      if [ -f "$home/wanted" ] && [[ $known != *" $i "* ]]; then
        known+="$i "
        supervise "$i" 9>&- 2>>"$home/output.log" &
        supervisors+=($!)
        echo "Node $i: http://127.0.0.1:$((port + i - 1)), remoting 127.0.0.1:$((cluster_port + i - 1)), output in $home/output.log"
      fi
    done
    if $first; then
      first=false
      echo "The administrator's key is in $folder/admin.key. Ctrl-C stops all; ./cluster.sh status, stop, kill, start, freeze and thaw work from another terminal."
    fi
    sleep 0.5
  done
}

status() {
  [ -f "$folder/up" ] || fail "No cluster runs in $folder."
  local home i answer
  for home in "$folder"/node*; do
    i=${home##*node}
    if [ ! -f "$home/pid" ]; then echo "Node $i: down"; continue; fi
    answer=$(curl -s -m 3 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(($(cat "$folder/port") + i - 1))/healthz/ready" || true)
    case $answer in 200) answer=ready ;; 503) answer='not ready' ;; *) answer='does not answer' ;; esac
    echo "Node $i: $answer, process $(cat "$home/pid")"
    [ "$answer" != ready ] || ready=$i
  done
  if [ -n "${ready:-}" ]; then
    curl -s -H "Authorization: Bearer $(cat "$folder/admin.key")" "http://127.0.0.1:$(($(cat "$folder/port") + ready - 1))/v1/cluster" |
      sed 's/,{"partition"/\n  {"partition"/g; s/"partitions":\[/"partitions":\n  /'
    echo
  fi
}

# Options of AdClick.Benchmarks for the nodes that run, or the first few of them.
reach() {
  [ -f "$folder/up" ] || fail "No cluster runs in $folder."
  local most=${1:-1000} home i
  options=(--admin-key "$(cat "$folder/admin.key")") remoting=''
  for home in $(ls -vd "$folder"/node*); do
    i=${home##*node}
    [ -f "$home/pid" ] && [ "$most" -gt 0 ] || continue
    most=$((most - 1))
    options+=(--url "http://127.0.0.1:$(($(cat "$folder/port") + i - 1))")
    remoting+=${remoting:+,}$(($(cat "$folder/cluster-port") + i - 1))
  done
}

load() {
  [ $# -ge 2 ] || usage
  local rate=$1 seconds=$2 nodes=1000
  shift 2
  if [[ ${1:-} =~ ^[1-9][0-9]*$ ]]; then nodes=$1; shift; fi
  reach "$nodes"
  dotnet "$benchmarks" load "${options[@]}" --signing-key "k1:$(cat "$folder/signing.key")" --rate "$rate" --duration "$seconds" "$@"
}

costs() {
  reach
  dotnet "$benchmarks" costs "${options[@]}" --remoting "$remoting" --kafka "$(cat "$folder/kafka-ports")" --database "$(cat "$folder/database-port")" --duration "${1:-30}"
}

# All nodes that could be started meanwhile, up to the ninth: who isn't there is left out.
pauses() {
  reach
  options=(--admin-key "$(cat "$folder/admin.key")")
  for i in $(seq 9); do options+=(--url "http://127.0.0.1:$(($(cat "$folder/port") + i - 1))"); done
  dotnet "$benchmarks" pauses "${options[@]}" --duration "${1:-60}"
}

fill() {
  reach
  dotnet "$benchmarks" fill "${options[@]}" --kafka "$(cat "$folder/kafka")" --topic adclick-clicks --clicks "${1:-1000000}"
}

command=${1:-}
shift || usage
case $command in
  up) up "$@" ;;
  status) status ;;
  load) load "$@" ;;
  costs) costs "$@" ;;
  pauses) pauses "$@" ;;
  fill) fill "$@" ;;
  stop | kill | start | freeze | thaw)
    [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || usage
    [ -f "$folder/up" ] || fail "No cluster runs in $folder; ./cluster.sh up starts one."
    case $command in
      start) want "$1" up ;;
      stop) pid=$(node_pid "$1"); want "$1" down; kill -TERM "$pid" ;;
      kill) pid=$(node_pid "$1"); want "$1" down; kill -KILL "$pid" ;;
      freeze) kill -STOP "$(node_pid "$1")" ;;
      thaw) kill -CONT "$(node_pid "$1")" ;;
    esac ;;
  *) usage ;;
esac
