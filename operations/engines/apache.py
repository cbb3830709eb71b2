"""Apache with PHP as Elastic Beanstalk's PHP platform has it, below a folder and on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from operations.engines.server import HOST, EngineError, MissingEngineError, free_port, programs_of, running

_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = (
    "mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "deflate", "filter", "dir",
    "env", "headers", "mime", "rewrite", "setenvif",
)  # fmt: skip
_CONFIG = """
ServerName localhost
ServerRoot {root}
PidFile {root}/{name}.pid
ErrorLog {root}/{name}.log
Listen {host}:{port}
Mutex file:{root} default
{modules}
LoadModule php_module {php}
TypesConfig /etc/mime.types
PHPIniDir {root}/etc/php.ini
DirectoryIndex index.php index.html
<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
{variables}
DocumentRoot {document_root}
<VirtualHost *:{port}>
    DocumentRoot {document_root}
    IncludeOptional {included}/*.conf
</VirtualHost>
"""


@contextlib.contextmanager
def apache(
    root: Path, name: str, *, document_root: Path, included: Path, variables: Mapping[str, str]
) -> Iterator[int]:
    """The port of the Apache that is installed, with its PHP reading `root`/etc/php.ini and pdo_mysql loaded.

    Raises MissingEngineError when one of them is missing.
    """
    (program,) = programs_of("apache2", "apache2")
    (php_program,) = programs_of("php-cli", "php")
    php = next(iter(_MODULES.glob("libphp*.so")), None)
    if php is None:
        raise MissingEngineError("libapache2-mod-php", ["libphp.so"])
    if "pdo_mysql" not in subprocess.run([php_program, "-m"], capture_output=True, text=True, check=True).stdout:
        raise MissingEngineError("php-mysql", ["pdo_mysql.so"])
    port, config = free_port(), root / f"{name}.conf"
    config.write_text(
        _CONFIG.format(
            root=root,
            name=name,
            host=HOST,
            port=port,
            modules="\n".join(f"LoadModule {module}_module {_MODULES}/mod_{module}.so" for module in _LOADED),
            php=php,
            variables="\n".join(f'SetEnv {variable} "{value}"' for variable, value in variables.items()),
            document_root=document_root,
            included=included,
        )
    )

    def ask() -> None:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{HOST}:{port}/") as answer:
            if answer.status != 200:
                raise EngineError("not yet")

    # one process in a session of its own: Apache ends its whole process group, which would be ours
    with running([program, "-X", "-d", str(root), "-f", str(config)], root, ask):
        yield port
