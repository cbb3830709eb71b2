"""The archive's `__main__.py`: gives botocore its descriptions of AWS as files, then starts the application."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile


def run() -> int:
    """Start the application; botocore reads its data from a folder that lives as long as the process."""
    with tempfile.TemporaryDirectory(prefix="suaicloudapp-") as folder:
        with zipfile.ZipFile(sys.argv[0]) as archive:
            data = [name for name in archive.namelist() if name.startswith("botocore/data/")]
            archive.extractall(folder, data)
        os.environ["AWS_DATA_PATH"] = os.path.join(folder, "botocore", "data")  # noqa: PTH118 -- pathlib is not needed
        from suaicloudapp.main import main  # type: ignore[import-not-found]

        exit_code: int = main()
        return exit_code


sys.exit(run())
