#!/bin/sh
# Installs the server engines, drawing tools and shells the tests use, as far as they are missing: by apt when root on Debian.
# Elsewhere it says what is missing; the tests that need it are then skipped with that reason.
set -eu

missing=""
need() { # need PACKAGE FILE-OR-COMMAND…: any one of them is enough
    package=$1
    shift
    for candidate in "$@"; do
        if [ -x "$candidate" ] || command -v "$candidate" >/dev/null 2>&1; then return; fi
    done
    missing="$missing $package"
}
PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin"
need mariadb-server mariadbd mysqld
need postgresql postgres /usr/lib/postgresql/*/bin/postgres
need redis-server redis-server
need memcached memcached
need graphviz dot
need nginx nginx
need chromium-headless-shell chromium-headless-shell chromium chromium-browser google-chrome
need apache2 apache2
need php-cli php
need libapache2-mod-php /usr/lib/apache2/modules/libphp*.so
need php-mysql /usr/lib/php/*/pdo_mysql.so
need zsh zsh
need fish fish

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing for some tests, which will be skipped:$missing" >&2
    echo "(package names of Debian; as root on Debian or Ubuntu, make test installs them itself)" >&2
    exit 0
fi

echo "Installing$missing" >&2
said=$(mktemp)
policy=/usr/sbin/policy-rc.d
made=""
trap 'rm -f "$said" $made' EXIT
trap 'exit 130' INT TERM
if [ ! -e $policy ]; then # the tests start servers of their own; the packages' services shall not run besides
    made=$policy
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi

refuse_dead_proxy() { # ends the script when apt's proxy is what did not answer: no later attempt would succeed
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    proxy=${proxy:-${http_proxy:-}}
    place=$(echo "$proxy" | sed 's|/*$||; s|.*[/@]||') # without its user's password
    [ -n "$place" ] || return 0
    if grep -qF -e "onnect to $place" -e "resolve '${place%:*}'" "$said"; then
        echo "The proxy $place of apt does not serve. Correct or unset it (http_proxy, or Acquire::http::Proxy in /etc/apt), then run make test again." >&2
        exit 1
    fi
}

export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o Acquire::Retries=2 -o DPkg::Lock::Timeout=300"
for attempt in 1 2 3; do
    # shellcheck disable=SC2086 # both are lists of words
    if { $apt update && $apt install -y --no-install-recommends $missing; } >"$said" 2>&1; then
        exit 0
    fi
    refuse_dead_proxy
    echo "apt did not succeed (attempt $attempt of 3)" >&2
    sleep $((attempt * 5))
done
cause=$(sed -n 's/^E: //p' "$said" | head -1)
echo "These packages could not be installed:$missing. apt says: ${cause:-$(tail -1 "$said")}" >&2
exit 1
