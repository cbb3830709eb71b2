"""Code of PHP 5 is changed so that PHP 8 runs it, once and for all, or refused with its file and line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deployments.beaver_contest.runtime.mendings import MendingError, check_libraries, mend
from deployments.beaver_contest.runtime.php import LintError, lint

POLYFILL = Path(__file__).parents[4] / "deployments/beaver_contest/runtime/added/quintet/polyfill.php"

LOGGED = """<?php
class LoggedPDO extends PDO
{
    public function query($query) {
        return parent::query($query);
    }

    public function prepare($query, $options=NULL) {
        return parent::prepare($query);
    }
}
"""
CONNECT = """<?php
function connect($c) {
   $pdo_options[PDO::ATTR_ERRMODE] = PDO::ERRMODE_EXCEPTION;
   return new PDO("mysql:host=".$c->host, $c->user, $c->password, $pdo_options);
}
"""


def mended(folder: Path, code: str, name: str = "shared/code.php") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    mend(folder)
    once = path.read_text()
    assert mend(folder) == [] or "get_magic_quotes_gpc" in code
    assert path.read_text() == once
    return once


def php(code: str, *options: str) -> str:
    program = shutil.which("php")
    if program is None:
        pytest.skip("no PHP (apt install php-cli)")
    done = subprocess.run([program, "-d", "display_errors=1", *options], input=code, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_m1_a_subclass_of_pdo_compiles_and_passes_its_query_on(tmp_path: Path) -> None:
    code = mended(tmp_path, LOGGED)
    assert "query($query, $fetchMode = null, ...$fetchModeArgs)" in code
    assert "Fatal error" in php(LOGGED)
    assert php(code + "echo 'fine';") == "fine"


@pytest.mark.parametrize(
    "code",
    [
        "<?php class Logged extends PDO { public function query($q) { return parent::query($q); } }",
        "<?php class Logged extends \\PDO { function quote($s) { return parent::quote($s); } }",
        "<?php class Rows extends PDOStatement { public function fetchAll($mode) { return parent::fetchAll($mode); } }",
        '<?php class L extends PDO { function a() { return "}"; } public function query(string $q) { return 1; } }',
    ],
)
def test_m1_is_of_a_kind(tmp_path: Path, code: str) -> None:
    assert "Fatal error" in php(code)
    assert php(mended(tmp_path, code) + " echo 'fine';").endswith("fine")


def test_m1_a_signature_of_another_shape_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(MendingError, match=r"shared/code\.php:3: M1 cannot be applied: query\(\) of a subclass"):
        mended(tmp_path, "<?php\nclass L extends PDO {\n  function query() { return 1; }\n}")


def test_m2_and_m6_what_pages_expect_is_there_and_deprecations_are_kept_out_of_answers(tmp_path: Path) -> None:
    page = "<?php ini_set('display_errors', '1'); error_reporting(E_ALL); new DateTime(null);\n"
    page += "function f($a = 1, $b) {} echo json_encode([get_magic_quotes_gpc(), $_SERVER['HTTP_USER_AGENT']]);"
    assert mended(tmp_path, page) == page
    (told,) = mend(tmp_path)
    assert str(told) == "M2: get_magic_quotes_gpc() comes from quintet/polyfill.php (shared/code.php:2)"
    assert php(page, "-d", f"auto_prepend_file={POLYFILL}") == '[false,""]'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("implode($a, ',')", "implode(',', $a)"),
        ('implode($groups, "\\n AND ")', 'implode("\\n AND ", $groups)'),
        ("implode( $a[f($b, ',')], ', ' )", "implode( ', ', $a[f($b, ',')] )"),
        ("implode(array_map('f', $a), PHP_EOL)", "implode(PHP_EOL, array_map('f', $a))"),
        ("join($a, '-')", "join('-', $a)"),
        ("implode(array(implode($b, '+'), 'c'), ',')", "implode(',', array(implode('+', $b), 'c'))"),
        ("implode(',', $a)", "implode(',', $a)"),
        ("implode($a)", "implode($a)"),
        ("$path->join($a, ',')", "$path->join($a, ',')"),
    ],
)
def test_m3_the_separator_comes_first(tmp_path: Path, before: str, after: str) -> None:
    assert mended(tmp_path, f"<?php echo {before};") == f"<?php echo {after};"


def test_m3_a_call_that_never_ends_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(MendingError, match=r"shared/code\.php:2: M3 cannot be applied: a bracket is never closed"):
        mended(tmp_path, "<?php\nimplode($a, ','")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("$o[PDO::ATTR_ERRMODE] = 2;", "$o[PDO::ATTR_ERRMODE] = 2; $o[PDO::ATTR_STRINGIFY_FETCHES] = true;"),
        ("new PDO($d, $u, $p);", "new PDO($d, $u, $p, [PDO::ATTR_STRINGIFY_FETCHES => true]);"),
        ("new PDO($d);", "new PDO($d, null, null, [PDO::ATTR_STRINGIFY_FETCHES => true]);"),
        (
            "new PDO($d, $u, $p, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);",
            "new PDO($d, $u, $p, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_STRINGIFY_FETCHES => true]);",
        ),
    ],
)
def test_m4_connections_return_strings(tmp_path: Path, before: str, after: str) -> None:
    assert mended(tmp_path, f"<?php {before}") == f"<?php {after}"


def test_m4_options_of_another_shape_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(MendingError, match=r"shared/code\.php:2: M4 cannot be applied: new PDO with options"):
        mended(tmp_path, "<?php\n$db = new PDO($d, $u, $p, $options);")


def test_m4_is_made_where_the_contest_connects(tmp_path: Path) -> None:
    code = mended(tmp_path, CONNECT, "shared/connect.php")
    assert "$pdo_options[PDO::ATTR_STRINGIFY_FETCHES] = true;" in code


@pytest.mark.parametrize(
    ("library", "version", "fits"),
    [
        ("guzzlehttp/guzzle", "6.2.3", False),
        ("guzzlehttp/guzzle", "6.3.3", True),
        ("guzzlehttp/guzzle", "7.8.1", True),
        ("aws/aws-sdk-php", "3.26.1", False),
        ("aws/aws-sdk-php", "3.36.37", True),
        ("phpmailer/phpmailer", "v6.9.1", False),
        ("phpmailer/phpmailer", "v5.2.28", True),
    ],
)
def test_m5_libraries_with_which_pages_die_are_refused_with_the_command(
    tmp_path: Path, library: str, version: str, fits: bool
) -> None:
    installed = tmp_path / "vendor/composer/installed.json"
    installed.parent.mkdir(parents=True)
    packages = [{"name": library, "version": version}]
    for document in (packages, {"packages": packages}):  # Composer 1, Composer 2
        installed.write_text(json.dumps(document))
        if fits:
            assert check_libraries(tmp_path) is None
        else:
            with pytest.raises(MendingError, match=f"M5: .*{library} {version}.*composer require guzzlehttp/guzzle"):
                check_libraries(tmp_path)


def test_m5_a_lock_file_is_looked_at_before_composer_installs_from_it(tmp_path: Path) -> None:
    (tmp_path / "composer.lock").write_text(
        json.dumps({"packages": [{"name": "guzzlehttp/guzzle", "version": "6.2.3"}]})
    )
    with pytest.raises(MendingError, match=r"M5: composer\.lock has guzzlehttp/guzzle 6\.2\.3"):
        check_libraries(tmp_path)


def test_libraries_tasks_and_the_contests_encoding_stay_as_they_are(tmp_path: Path) -> None:
    code = "<?php echo implode($a, ',');"
    for name in ("vendor/a/b.php", "teacherInterface/bebras-tasks/grader.php"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(code)
        mend(tmp_path)
        assert path.read_text() == code
    latin = tmp_path / "shared.php"
    latin.write_bytes(b"<?php echo '\xe9', implode($a, '\xe9');")
    mend(tmp_path)
    assert latin.read_bytes() == b"<?php echo '\xe9', implode('\xe9', $a);"


def test_code_that_php_does_not_take_is_refused_with_file_and_line(tmp_path: Path) -> None:
    php("")
    (tmp_path / "good.php").write_text("<?php echo 1;")
    assert "1 files of code pass PHP 8." in lint(tmp_path, "8.4")
    (tmp_path / "bad.php").write_text("<?php\nfunction {")
    with pytest.raises(LintError, match=r"unexpected token .* in bad\.php on line 2"):
        lint(tmp_path, "8.4")


def test_the_platforms_php_checks_the_code_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wasm = tmp_path / "bin" / "php-wasm-cli"
    wasm.parent.mkdir()
    wasm.write_text('#!/bin/sh\necho "Fatal error: PHP $PHP checked $*"\nexit 255\n')
    wasm.chmod(0o755)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.php").write_text("<?php")
    monkeypatch.setenv("PATH", f"{wasm.parent}:/bin")
    with pytest.raises(LintError, match=r"PHP 8\.5 checked -l a\.php"):
        lint(tmp_path / "code", "8.5")


def test_without_php_the_code_is_not_checked_and_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "not checked" in lint(tmp_path, "8.4")
