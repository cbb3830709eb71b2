#!/bin/bash
# What Image Builder runs on the image that webheads then start from.
set -Eeuo pipefail
root=
region='@{region}'
registry='@{registry}'
container_image='@{container_image}'
@{file:install.sh}
install_webhead
