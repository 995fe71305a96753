#!/usr/bin/env bash
# Makes a Debian machine ready for all of Cube's tests: the tools they call, a Docker engine that answers, and the image
# busybox:latest, made here because no registry may be in reach. Does only what is missing, so it may run as often as it likes.
set -euo pipefail

say() { printf 'provision: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The image is made of this one file, so it must need no libraries.
have_static_busybox() { have busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }

missing_packages() {
  local command
  for command in iptables chromium jq bc curl; do
    have "$command" || echo "$command"
  done
  have_static_busybox || echo busybox-static
  # A second engine has a bridge of its own; a registry with a login is served by these two.
  have ip || echo iproute2
  have docker-registry || have registry || echo docker-registry
  have htpasswd || echo apache2-utils
  have dockerd || echo docker.io
  have docker || client_package
}

# From Debian 13 on the client is a package of its own.
client_package() {
  if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi
}

install_packages() {
  [[ -n "$(missing_packages)" ]] || return 0
  have apt-get || fail "these are missing, and there is no apt-get to install them: $(missing_packages | sort -u | xargs)"
  [[ "$(id -u)" == 0 ]] || fail "run as root to install: $(missing_packages | sort -u | xargs)"
  apt-get update -qq >&2
  local packages
  mapfile -t packages < <(missing_packages | sort -u)
  say "installing ${packages[*]}"
  # Without systemd no package is to start its service: that may fail the installation, and the engine is started below.
  runs_systemd || export RUNLEVEL=1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >&2
  # The tests start registries of their own: the service that the package brings is not wanted.
  if runs_systemd && [[ " ${packages[*]} " == *' docker-registry '* ]]; then systemctl disable --now docker-registry >&2; fi
}

runs_systemd() { [[ -d /run/systemd/system ]]; }

engine_answers() { timeout 10 docker info >/dev/null 2>&1; }

start_engine() {
  ! engine_answers || return 0
  [[ "$(id -u)" == 0 ]] || fail 'no Docker engine answers; start it, or run as root'
  if runs_systemd && systemctl start docker && engine_answers; then return 0; fi
  local log process
  log="$(mktemp /tmp/cube-dockerd.XXXXXX.log)"
  say "starting dockerd (log: $log)"
  nohup setsid dockerd >"$log" 2>&1 </dev/null &
  process=$!
  local deadline=$((SECONDS + 60))
  until engine_answers; do
    if ((SECONDS >= deadline)) || ! kill -0 "$process" 2>/dev/null; then
      tail -n 30 "$log" >&2
      fail "dockerd does not answer; the end of $log is above"
    fi
    sleep 1
  done
}

# What the tests run in containers.
applets=(sh sleep true false httpd cat echo env nc id printf seq head tail kill yes wget ls date)

image_is_usable() {
  # Not `command -v`: the shell of busybox knows its applets even where there is no file to start.
  # shellcheck disable=SC2016 # expanded in the container
  docker run --rm --pull never busybox:latest sh -c 'for name; do [ -e "/bin/$name" ] || exit 1; done' sh "${applets[@]}" >/dev/null 2>&1
}

make_image() {
  ! image_is_usable || return 0
  say 'making the image busybox:latest'
  local tree applet
  tree="$(mktemp -d)"
  mkdir -p "$tree"/{bin,etc,root,tmp,var}
  chmod 755 "$tree"
  chmod 1777 "$tree/tmp"
  cp -L "$(command -v busybox)" "$tree/bin/busybox"
  for applet in "${applets[@]}"; do ln -s busybox "$tree/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$tree/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
  tar -C "$tree" --owner=0 --group=0 -c . | docker import --change 'CMD ["sh"]' - busybox:latest >/dev/null
  rm -rf "$tree"
  docker run --rm --pull never busybox:latest true >&2 || fail 'the image busybox:latest was made, but no container of it runs'
}

install_packages
start_engine
make_image
say 'ready'
