"""The app around the sample stack; `CDKTF_OUTDIR` says where its output goes."""

from __future__ import annotations

from pathlib import Path

from synth.bindings import install


def main() -> None:
    """Synthesise the sample stack."""
    install(roots=[Path(__file__).with_name("sample_stack.py")])
    from cdktf import App

    from bench.sample_stack import SampleStack

    app = App()
    SampleStack(app)
    app.synth()


if __name__ == "__main__":
    main()
