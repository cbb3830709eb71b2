"""The app of SUAI Cloud App alone, both environments; `CDKTF_OUTDIR` says where its output goes."""

from __future__ import annotations

import os
from pathlib import Path

import main
from config.stack_settings import load_all

if __name__ == "__main__":
    stacks = [plan for plan in load_all() if plan.deployment.name == "suai-cloud-app"]
    main.synthesise(stacks, Path(os.environ["CDKTF_OUTDIR"]), context={})
