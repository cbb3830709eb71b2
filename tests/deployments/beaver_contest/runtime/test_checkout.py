"""Contents of a checkout are read from its own pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.beaver_contest.runtime.checkout import lacks, lacks_told, needed_folders, task_folders


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "statement",
    [
        "require_once '../awards/common.php';",
        "include(__DIR__.'/../awards/common.php');",
        'require __DIR__ . "/../awards/common.php";',
        "if ($x) { require_once dirname(__FILE__).'/../awards/common.php'; }",
    ],
)
def test_a_folder_that_a_page_requires_is_needed(tmp_path: Path, statement: str) -> None:
    tree(tmp_path, {"teacherInterface/a.php": f"<?php {statement}", "awards/common.php": "<?php"})
    assert needed_folders(tmp_path)[-1] == "awards"


def test_folders_are_followed_through_what_they_require_themselves(tmp_path: Path) -> None:
    files = {
        "teacherInterface/actions.php": "<?php require_once '../schoolsMap/map.inc.php';",
        "schoolsMap/map.inc.php": "<?php require_once __DIR__.'/../ext2/pi/Api.php';",
        "ext2/pi/Api.php": "<?php",
    }
    assert "ext2" in needed_folders(tree(tmp_path, files))


def test_comments_and_optional_files_are_not_needed(tmp_path: Path) -> None:
    page = """<?php
// require_once '../stats/a.php';
if (is_readable(__DIR__.'/../more/b.php')) { include_once __DIR__.'/../more/b.php'; }
"""
    tree(tmp_path, {"contestInterface/a.php": page, "teacherInterface/a.php": "<?php"})
    assert lacks(tmp_path) == []


def test_everything_missing_is_told_with_the_command_that_brings_it(tmp_path: Path) -> None:
    files = {
        "contestInterface/index.php": "<?php\nrequire __DIR__.'/../vendor/autoload.php';\n"
        "script_tag('/bower_components/jquery/jquery.min.js'); script_tag('/bower_components/utf8/utf8.js');\n"
        "static_asset('/i18n/__lng__/__ns__.json');",
        "teacherInterface/index.php": "<?php stylesheet_tag('/admin.css');",
        ".gitmodules": '[submodule "a"]\n\tpath = ext/pi\n[submodule "b"]\n\tpath = commonFramework\n[submodule "c"]\n\tpath = dbv\n',
        "commonFramework/sync/a.php": "<?php",
    }  # fmt: skip
    (tmp_path / "ext" / "pi").mkdir(parents=True)
    told = lacks_told(lacks(tree(tmp_path, files)))
    assert told == [
        "composer install brings vendor/autoload.php (wanted by contestInterface/index.php:2)",
        "git submodule update --init --recursive ext/pi brings ext/pi/ (wanted by .gitmodules)",
        "bower install in contestInterface brings contestInterface/bower_components/jquery/jquery.min.js and 1 more"
        " (wanted by contestInterface/index.php:3)",
        "git submodule update --init --recursive, or another revision, brings teacherInterface/admin.css"
        " (wanted by teacherInterface/index.php:1)",
    ]


def test_a_submodule_of_a_submodule_is_missing_as_well(tmp_path: Path) -> None:
    """Publishing a contest copies pictures of such a one: upstream's bebras-tasks has _common/modules."""
    files = {
        ".gitmodules": '[submodule "tasks"]\n\tpath = teacherInterface/bebras-tasks\n',
        "teacherInterface/bebras-tasks/.gitmodules": '[submodule "modules"]\n\tpath = _common/modules\n',
        "contestInterface/index.php": "<?php",
    }
    told = lacks_told(lacks(tree(tmp_path, files)))
    remedy = "git submodule update --init --recursive teacherInterface/bebras-tasks"
    wanted_by = "teacherInterface/bebras-tasks/.gitmodules"
    assert told == [f"{remedy} brings teacherInterface/bebras-tasks/_common/modules/ (wanted by {wanted_by})"]
    tree(tmp_path, {"teacherInterface/bebras-tasks/_common/modules/img/castor.png": "a picture"})
    assert lacks(tmp_path) == []


def test_tasks_are_found_by_name_and_by_their_solutions_wherever_they_lie(tmp_path: Path) -> None:
    files = {
        "teacherInterface/bebras-tasks/2019/index.html": "a task",
        "teacherInterface/bever_tasks/index.html": "a task",
        "contestInterface/old/my-tasks/index.html": "a task",
        "contestInterface/exercises/1/index.html": '<div id="solution">42</div>',
        "contestInterface/help/index.html": "<p>The solution is shown later</p>",
        "teacherInterface/bower_components/tasks/index.html": '<div id="solution">a library</div>',
        "tasks/bebras/Bebras.php": "<?php // code, below no document root",
    }
    assert task_folders(tree(tmp_path, files)) == [
        "contestInterface/exercises",
        "contestInterface/old/my-tasks",
        "teacherInterface/bebras-tasks",
        "teacherInterface/bever_tasks",
    ]
