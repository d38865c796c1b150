#!/bin/sh
# setup installs what `make demo` and `make test` need beside Go, where it is missing, from the distribution's packages:
# ZooKeeper's jars and a Java to run them, the server binaries of PostgreSQL and MariaDB, and the C compiler of the race detector.
# No service is started and none is touched.
set -eu

missing=""
why=""
need() { # need PACKAGES REASON: notes them as missing
  missing="$missing $1"
  why="$why
  $1: $2"
}
first() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }

command -v java >/dev/null 2>&1 || need default-jre-headless "runs ZooKeeper"
first /usr/share/java/zookeeper.jar || need libzookeeper-java "ZooKeeper, which keeps the cluster's log"
first /usr/share/java/slf4j-simple.jar || need libslf4j-java "ZooKeeper's own log"
first /usr/lib/postgresql/*/bin/initdb || need postgresql "a resource manager that the tests try for real"
command -v mariadbd >/dev/null 2>&1 || first /usr/sbin/mariadbd || need mariadb-server-core "a resource manager that the tests try for real"
command -v my_print_defaults >/dev/null 2>&1 || need mariadb-client-core "MariaDB's data folders are made with it"
command -v ip >/dev/null 2>&1 || need iproute2 "joins the hosts of the fault run, which are network namespaces"
command -v gcc >/dev/null 2>&1 || need "gcc libc6-dev" "the race detector is linked with it"

if [ -z "$missing" ]; then
  exit 0
fi
echo "setup: these packages are missing:$why"

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: there is no apt-get here. Install what is named above with your package manager, or run the same command in a" >&2
  echo "Debian container: docker run --rm -v \"\$PWD\":/src -w /src golang:bookworm make demo" >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: installing wants root, and there is no sudo. As root: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

# A PostgreSQL cluster of the system's own would be a service: none is made as the package is installed.
conf=/etc/postgresql-common/createcluster.conf
if [ ! -e "$conf" ]; then
  $as_root mkdir -p "$(dirname "$conf")"
  echo "create_main_cluster = false" | $as_root tee "$conf" >/dev/null
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # shellcheck disable=SC2086 # the packages are words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}
echo "setup: installing with apt-get (this takes a minute or two)"
{ $as_root apt-get update -qq && install; } >"$log" 2>&1 || {
  tail -20 "$log" >&2
  echo "setup: apt-get could not install them; see above" >&2
  exit 1
}
echo "setup: done"
