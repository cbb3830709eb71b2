#!/bin/sh
# Plans committed stacks against the account your AWS credentials are for, with the project's Terraform and provider.
# Usage: scripts/plan.sh STACK…      Nothing is changed; state is read and locked meanwhile.
set -eu
if [ $# -eq 0 ]; then
    echo "There is no committed stack to plan; make synth writes them into generated/." >&2
    exit 1
fi
# Any of these would lead Terraform to another state, or change its commands.
unset TF_WORKSPACE TF_DATA_DIR TF_REATTACH_PROVIDERS
for name in $(env | sed -n 's/^\(TF_CLI_ARGS[A-Za-z_]*\)=.*/\1/p'); do unset "$name"; done
tools=$(.venv/bin/python -m operations.terraform.toolchain)
eval "$tools"
for stack; do
    echo "== $stack"
    terraform -chdir="generated/stacks/$stack" init -input=false -lockfile=readonly
    terraform -chdir="generated/stacks/$stack" plan -input=false
done
