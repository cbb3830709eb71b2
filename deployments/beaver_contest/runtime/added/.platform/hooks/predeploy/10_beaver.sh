#!/bin/bash
# Before a version starts: what PHP and Apache must know of this environment.
exec /bin/bash "$(dirname "$0")/../../../quintet/configure.sh"
