#!/bin/bash
# Before changed option settings take effect: what PHP and Apache must know of this environment.
exec /bin/bash "$(dirname "$0")/../../../quintet/configure.sh"
