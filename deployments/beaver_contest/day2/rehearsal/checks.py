"""The rehearsal of the Beaver Contest in `make demo`: a contest, from the checkout to the answers of a team.

Pages are asked as upstream's own scripts ask them (contestInterface/common.js, teacherInterface/admin.js), so the same
steps work with an operator's checkout: `quintet beaver rehearse --checkout PATH`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from deployments.beaver_contest.day2.assets import ASSETS, publish, read_assets
from deployments.beaver_contest.day2.migrations import Migration, make_admin, revisions
from deployments.beaver_contest.day2.mysql import connected, of_contest
from deployments.beaver_contest.day2.rehearsal.site import ContestSite, contest_of, sign_in, site
from deployments.beaver_contest.runtime.bundle import Bundle, BundleError, build
from operations.demo.check import Check, CheckContext, CheckFailedError, expect
from operations.demo.rehearsals import NotRehearsedError, Stage
from operations.engines.mariadb import MariaDb, mariadb
from operations.engines.server import HOST, EngineError, MissingEngineError

PROGRAM = Path(__file__).with_name("program")
"""A small program that keeps upstream's contract; each file says which of upstream's it stands for."""

CODE, FOLDER, CONTEST_ID = "abcdefgh", "rehearsed.1", "1"
ADMIN, PASSWORD = "admin@example.org", "rehearsed only"  # of a database that ends with the rehearsal
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
_ADDRESS = re.compile(r"""(?:src|href)=["']([^"']+)["']""")
_TIMESTAMP = re.compile(r"window\.timestamp = ([^;]*);")
_SECONDS = 30
_CONTEST = (
    "INSERT INTO contest (ID, name, folder, open, nbMinutes, showSolutions) VALUES (1, 'Rehearsed', %s, 'Open', 45, 1)",
    "INSERT INTO `group` (ID, contestID, name, code, password) VALUES (2, 1, 'Class', %s, 'ijkmnpqr')",
    "INSERT INTO question (ID, `key`, name, path) VALUES (3, 'FR-2026-01', 'Rehearsed', '2026-FR-01/index.html')",
    "INSERT INTO contest_question (ID, contestID, questionID, options) VALUES (4, 1, 3, '{}')",
    "INSERT INTO user (ID, officialEmail, salt, passwordMd5) VALUES (5, %s, 'salt', %s)",
)
_SOLUTION = "<p>forty-two, and why</p>"
_TASK = {
    "task": [{"type": "html", "content": "<p>six times seven?</p>"}],
    "solution": [{"type": "html", "content": _SOLUTION}],
    "grader": [{"type": "javascript", "content": "var answer = 42;"}],
    "task_modules": [],
    "solution_modules": [],
    "grader_modules": [],
    "acceptedAnswers": ["42"],
}
"""The resources of a task as its page hands them to admin.js (task.getResources of pem-platform's task-pr.js)."""
_GIVING_AWAY = (f"contest_{CONTEST_ID}_sols.html", f"contest_{CONTEST_ID}_graders.html", ".htaccess", "bebras.js")
"""Files of a published contest that no contestant may read."""


@contextmanager
def checks(stage: Stage) -> Iterator[Sequence[Check]]:
    """The steps with the small program. Raises NotRehearsedError on a machine that lacks something."""
    with steps_of(stage, PROGRAM) as steps:
        yield steps


@contextmanager
def steps_of(stage: Stage, checkout: Path) -> Iterator[Sequence[Check]]:
    """The steps with a checkout of the contest, to be run in their order."""
    if stage.context.stack.backend is None:
        raise NotRehearsedError("not run: its commands read a state in S3, and this one is in HCP Terraform")
    with ExitStack() as behind:
        try:
            server = behind.enter_context(mariadb())
        except MissingEngineError as missing:
            raise NotRehearsedError(f"not run: {missing}") from None
        folder = Path(behind.enter_context(tempfile.TemporaryDirectory(prefix="quintet-beaver-")))
        played = _Played(stage, checkout, folder, server, behind)
        yield (
            Check("bundle", played.the_checkout_becomes_a_bundle),
            Check("schema", played.the_schema_is_migrated_and_a_second_time_nothing_is_to_do),
            Check("boot", played.both_environments_boot_as_their_roles_and_serve),
            Check("front page", played.the_front_page_names_addresses_that_answer),
            Check("session", played.a_session_is_held),
            Check("group code", played.a_code_opens_its_group),
            Check("team", played.a_team_is_created),
            Check("questions", played.the_questions_are_loaded),
            Check("answer", played.an_answer_is_kept_in_dynamodb),
            Check("reload", played.a_reload_brings_the_answer_back),
            Check("close", played.the_contest_is_closed),
            Check("tasks", played.only_the_admin_environment_has_tasks),
            Check("sign in", played.the_first_administrator_signs_in),
            Check("publish", played.a_contest_is_published),
            Check("solutions", played.solutions_are_for_teams_that_have_closed),
        )


class _Played:
    """The steps; each begins where the one before it ended."""

    def __init__(self, stage: Stage, checkout: Path, folder: Path, server: MariaDb, behind: ExitStack) -> None:
        self._stage, self._checkout, self._folder = stage, checkout, folder
        self._server, self._behind = server, behind
        self._contest = contest_of(stage)
        self._browser, self._teacher = requests.Session(), requests.Session()
        for session in (self._browser, self._teacher):
            session.trust_env = False
            session.headers.update(BROWSER)
        self._bundle: Bundle | None = None
        self._site: ContestSite | None = None
        self._sid = ""
        self._published: list[str] = []
        self._team: dict[str, Any] = {}

    def the_checkout_becomes_a_bundle(self, context: CheckContext) -> str:
        """The work of deploy's bundle, and its static files in S3."""
        del context
        try:
            self._bundle = build(self._checkout, self._folder)
        except BundleError as error:
            raise CheckFailedError(str(error)) from None
        assets = read_assets(self._bundle.stage, self._bundle.label)
        published = publish(self._contest, assets, dry_run=False, say=lambda _: None)
        lacking = [line.replace("\n", "") for line in self._bundle.told if line.startswith("Missing")]
        return "; ".join([f"{self._bundle.files} files, {len(published)} assets", *lacking])

    def the_schema_is_migrated_and_a_second_time_nothing_is_to_do(self, context: CheckContext) -> str:
        """The work of migrate, as the database's master user; then the rows of one contest."""
        del context
        sign_in(self._stage, self._contest, self._server)
        known = revisions(self._checkout)
        with self._connected() as connection:
            migration = Migration(connection, say=lambda _: None)
            run = migration.run(known)
            expect(migration.run(known) == 0, "a second run ran revisions again")
            values = ((FOLDER,), (CODE,), (), (), (ADMIN, hashlib.md5(f"{PASSWORD}salt".encode()).hexdigest()))  # noqa: S324  # as upstream keeps it
            with connection.cursor() as cursor:
                for statement, value in zip(_CONTEST, values, strict=True):
                    cursor.execute(statement, value)
            connection.commit()
        return f"{run} revisions"

    def both_environments_boot_as_their_roles_and_serve(self, context: CheckContext) -> str:
        """The bundle's hook fetches the secrets with the instance role's keys; Apache answers / with 200."""
        del context
        if self._bundle is None:
            raise CheckFailedError("there is no bundle")
        try:
            self._site = self._behind.enter_context(site(self._stage, self._contest, self._server, self._bundle.stage))
        except EngineError as error:
            raise CheckFailedError(str(error)) from None
        return "contest and admin"

    def the_front_page_names_addresses_that_answer(self, context: CheckContext) -> str:
        """Every script of the page is in S3 under the address that the page names, once; the timestamp is a number."""
        page = self._browser.get(self._url("contest", "/"), timeout=_SECONDS).text
        expect("</html>" in page, f"the page ends in its middle: {page[-200:]}")
        told = _TIMESTAMP.search(page)
        expect(told is not None and told[1].isdigit(), "window.timestamp is no number")
        static = self._contest.outputs.static_url + "/"
        keys = [each.removeprefix(static).split("?")[0] for each in _ADDRESS.findall(page) if each.startswith(static)]
        expect(bool(keys), "the page names no address of the static host")
        s3 = context.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self._contest.outputs.static_bucket, Prefix=ASSETS)
        there = {found["Key"] for page in pages for found in page.get("Contents", [])}
        missing = [key for key in keys if key not in there]
        expect(not missing, f"{len(missing)} of {len(keys)} addresses lead nowhere, such as {missing[:2]}")
        bare = requests.get(self._url("contest", "/"), headers={"User-Agent": ""}, timeout=_SECONDS).text
        expect("</html>" in bare, "without a User-Agent the page ends in its middle")
        return f"{len(keys)} addresses"

    def a_session_is_held(self, context: CheckContext) -> str:
        """The session of a browser is an item of the table of sessions."""
        self._sid = str(self._ask("data.php", action="loadSession")["SID"])
        items = context.client("dynamodb").scan(TableName=self._contest.outputs.sessions_table)["Items"]
        expect(any(self._sid in item["id"]["S"] for item in items), "the session is not in DynamoDB")
        return "in DynamoDB"

    def a_code_opens_its_group(self, context: CheckContext) -> str:
        """The page's checkPassword with the version of common.js that the page has."""
        del context
        self._ask("data.php", action="checkPassword", password=CODE, getTeams="false", commonJsVersion="2")
        return CODE

    def a_team_is_created(self, context: CheckContext) -> str:
        """The team is in MySQL, and in DynamoDB under the same ID."""
        names = {"firstName": "Ada", "lastName": "Lovelace", "genre": "1", "grade": "6", "email": "", "zipCode": ""}
        contestant = {f"contestants[0][{name}]": value for name, value in names.items()}
        self._team = self._ask("data.php", action="createTeam", **contestant)
        team_id = str(self._team["teamID"])
        found = context.client("dynamodb").get_item(
            TableName=self._contest.outputs.team_table, Key={"ID": {"N": team_id}}
        )
        expect(found.get("Item", {}).get("password") == {"S": self._team["password"]}, "it is not in DynamoDB")
        return f"team {team_id}"

    def the_questions_are_loaded(self, context: CheckContext) -> str:
        """The page's loadContestData and startTimer."""
        del context
        questions = self._ask("data.php", action="loadContestData")["questionsData"]
        self._ask("data.php", action="startTimer")
        expect(list(questions) == ["3"], f"the questions are {list(questions)}")
        return "1 question"

    def an_answer_is_kept_in_dynamodb(self, context: CheckContext) -> str:
        """The work of answer.php, which asks for no session."""
        team = {"teamID": self._team["teamID"], "teamPassword": self._team["password"]}
        answer = {"answers[3][answer]": "forty-two", "answers[3][score]": "40", "answers[3][sending]": "true"}
        self._ask("answer.php", **team, **answer)
        key = {"teamID": {"N": str(self._team["teamID"])}, "questionID": {"N": "3"}}
        found = context.client("dynamodb").get_item(TableName=self._contest.outputs.team_question_table, Key=key)
        expect(found.get("Item", {}).get("answer") == {"S": "forty-two"}, f"DynamoDB has {found.get('Item')}")
        return "in DynamoDB"

    def a_reload_brings_the_answer_back(self, context: CheckContext) -> str:
        """The same session in another tab."""
        del context
        loaded = self._ask("data.php", action="loadSession")
        expect(str(loaded.get("teamID")) == str(self._team["teamID"]), f"the session is {loaded}")
        answers = self._ask("data.php", action="loadContestData")["answers"]
        expect(answers == {"3": "forty-two"}, f"the answers are {answers}")
        return "the answer is there"

    def the_contest_is_closed(self, context: CheckContext) -> str:
        """The page's closeContest writes a column that upstream's revisions do not make."""
        del context
        early = self._browser.post(self._url("contest", "/solutions.php"), {"SID": self._sid}, timeout=_SECONDS)
        expect('"success":false' in early.text.replace(" ", ""), f"solutions before the end: {early.text[:200]}")
        self._ask("data.php", action="closeContest", teamScore="40")
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT endTime IS NOT NULL, tmpScore FROM team WHERE ID = %s", (self._team["teamID"],))
            row = cursor.fetchone()
        expect(row is not None and tuple(row) == (1, 40), f"the team's row says {row}")
        return "closed, 40 points"

    def only_the_admin_environment_has_tasks(self, context: CheckContext) -> str:
        """Tasks ask for a password where teachers work, and are not on the instances of contests."""
        del context
        if self._bundle is None:
            raise CheckFailedError("there is no bundle")
        folders = (self._bundle.stage / "quintet/tasks").read_text().split()
        for folder in folders:
            interface, _, path = folder.partition("/")
            if interface == "teacherInterface":
                status = self._teacher.get(self._url("admin", f"/{path}/"), timeout=_SECONDS).status_code
                expect(status == requests.codes.unauthorized, f"{folder} answers {status}")
        return ", ".join(folders) or "none"

    def the_first_administrator_signs_in(self, context: CheckContext) -> str:
        """The work of make-admin, then login.php, which compares columns with strings."""
        del context
        with self._connected() as connection:
            make_admin(connection, ADMIN)
        answer = self._teacher.post(
            self._url("admin", "/login.php"), {"email": ADMIN, "password": PASSWORD}, timeout=_SECONDS
        )
        _successful(answer)
        return ADMIN

    def a_contest_is_published(self, context: CheckContext) -> str:
        """The three requests of admin.js write into S3 with the PHP user's key, which works from the VPC alone.

        A contest without tasks is published as well, as upstream has it: its page shows no question.
        """
        prepared = self._generate("prepare", contestFolder=FOLDER, newFolder="true")
        folder = str(prepared["contestFolder"])
        tasks = [
            {"bebras": _TASK, "key": key, "url": url}
            for key, url in zip(prepared["questionsKey"], prepared["questionsUrl"], strict=True)
        ]
        expect(len(tasks) == 1, f"the contest's questions are {prepared['questionsKey']}")
        for published in ([], tasks):
            self._generate("generate", contestFolder=folder, tasks=json.dumps(published))
            self._published = self._keys(context, folder)
            names = {key.rpartition("/")[2] for key in self._published}
            missing = {f"contest_{CONTEST_ID}.html", *_GIVING_AWAY} - names - (set() if published else {"bebras.js"})
            expect(not missing, f"S3 lacks {sorted(missing)} of the contest, it has {sorted(names)}")
        self._generate("setFolder", contestFolder=folder)
        return f"{len(self._published)} files"

    def solutions_are_for_teams_that_have_closed(self, context: CheckContext) -> str:
        """Requests without a signature get no answer, solutions.php hands the closed team a URL that works."""
        bucket = self._contest.outputs.static_bucket
        giving_away = [key for key in self._published if key.endswith(_GIVING_AWAY)]
        read = [key for key in giving_away if self._status(bucket, key) != requests.codes.forbidden]
        expect(bool(giving_away) and not read, f"everybody reads {read or 'nothing, as nothing was published'}")
        if self._contest.outputs.static_access == "acl":
            others = set(self._published) - set(giving_away)
            hidden = sorted(key for key in others if self._status(bucket, key) != requests.codes.ok)
            expect(not hidden, f"contestants do not reach {hidden}")
        url = str(self._ask("solutions.php", ieMode="false")["solutionsUrl"])
        signed = urlsplit(url)
        here = f"{self._stage.endpoint}{signed.path}?{signed.query}"
        answer = requests.get(here, headers={"Host": signed.netloc}, timeout=_SECONDS)
        expect(_SOLUTION in answer.text, f"the signed URL of the solutions answers {answer.status_code}")
        return f"{len(giving_away)} files hidden"

    def _generate(self, action: str, **fields: str) -> dict[str, Any]:
        form = {"action": action, "contestID": CONTEST_ID, **fields}
        return _successful(self._teacher.post(self._url("admin", "/generateContest.php"), form, timeout=_SECONDS))

    def _keys(self, context: CheckContext, folder: str) -> list[str]:
        s3, bucket = context.client("s3"), self._contest.outputs.static_bucket
        return [
            each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"contests/{folder}/").get("Contents", [])
        ]

    def _status(self, bucket: str, key: str) -> int:
        return requests.get(f"{self._stage.endpoint}/{bucket}/{key}", timeout=_SECONDS).status_code

    def _ask(self, page: str, **fields: Any) -> dict[str, Any]:
        form = {**fields, **({"SID": self._sid} if self._sid else {})}
        return _successful(self._browser.post(self._url("contest", f"/{page}"), form, timeout=_SECONDS))

    def _url(self, role: str, path: str) -> str:
        if self._site is None:
            raise CheckFailedError("the environments did not boot")
        return self._site.url(role, path)

    def _connected(self) -> Any:
        return connected(of_contest(self._contest, f"{HOST}:{self._server.port}"))


def _successful(answer: requests.Response) -> dict[str, Any]:
    """The JSON of a page that says success."""
    try:
        said: dict[str, Any] = json.loads(answer.text)
    except ValueError:
        raise CheckFailedError(f"{answer.url} answers {answer.status_code}: {answer.text.strip()[:200]}") from None
    expect(said.get("success") is True, f"{answer.url} says {said}")
    return said
