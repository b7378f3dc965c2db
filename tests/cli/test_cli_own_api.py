"""An API of one's own: named in runner.yaml, it works like those that come with the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import run
from runner.config import load
from runner.problems import InvalidError
from runner.project.apis import catalogue_for

from .stub import Answer, Stub

PETS = """\
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.invalid/v1"}]
paths:
  /pets:
    post:
      operationId: addPet
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
    get:
      operationId: listPets
      responses:
        "200":
          description: all
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}}}
components:
  schemas:
    Pet:
      type: object
      required: [name]
      additionalProperties: false
      properties: {name: {type: string}, age: {type: integer}}
"""
RECIPE = """\
recipe: 1
name: pets
steps:
  - id: pet
    use: pets.addPet
    with: {name: Rex, age: 3}
"""
OVERLAY = """\
overlay: 1.0.0
info: {title: ours, version: "1"}
actions:
  - target: $.components.schemas.Pet.properties
    update: {colour: {type: string}}
"""
TARGET = """\
targets:
  live:
    account: acme
    apis:
      pets: {{base_url: "{url}", rate: {{requests_per_second: 1000}}{more}}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pets.yaml").write_text(PETS)
    (tmp_path / "runner.yaml").write_text("apis: {pets: docs/pets.yaml}\n")
    (tmp_path / "pets-recipe.yaml").write_text(RECIPE)
    (tmp_path / "colour.overlay.yaml").write_text(OVERLAY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(home: Path, url: str, more: str = "") -> None:
    (home / "runner.yaml").write_text(
        "apis: {pets: docs/pets.yaml}\n" + TARGET.format(url=url, more=more)
    )


def test_it_validates_and_plans(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "pets-recipe.yaml"]) == 0
    assert run(["run", "pets-recipe.yaml", "--dry-run"]) == 0
    assert "/pets" in capsys.readouterr().out


def test_it_runs_on_a_target(home: Path) -> None:
    stub = Stub(lambda _: Answer(201, b'{"name": "Rex", "age": 3}'))
    try:
        configure(home, stub.url)
        assert run(["run", "pets-recipe.yaml", "--target", "live", "--first-run"]) == 0
        assert [(sent.method, sent.path, json.loads(sent.body)) for sent in stub.sent] == [
            ("POST", "/v2/pets", {"name": "Rex", "age": 3})
        ]
    finally:
        stub.close()


def test_it_runs_in_the_sandbox(home: Path) -> None:
    assert run(["run", "pets-recipe.yaml"]) == 0
    assert run(["probe", "pets"]) in (0, 4)
    deliveries = (home / "runs" / "sandbox" / "deliveries.jsonl").read_text().splitlines()
    assert [json.loads(line)["method"] for line in deliveries] == ["POST", "GET"]


def test_the_overlay_of_the_target_holds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "pets-recipe.yaml").write_text(RECIPE.replace("age: 3", "colour: brown"))
    configure(home, "https://pets.invalid", ", overlay: colour.overlay.yaml")
    assert run(["validate", "pets-recipe.yaml"]) == 3
    assert "colour" in capsys.readouterr().err
    assert run(["validate", "pets-recipe.yaml", "--target", "live"]) == 0
    assert run(["run", "pets-recipe.yaml", "--dry-run", "--target", "live"]) == 0


def test_the_sandbox_serves_what_its_overlay_says(home: Path) -> None:
    (home / "pets-recipe.yaml").write_text(RECIPE.replace("age: 3", "colour: brown"))
    overlaid = "targets: {sandbox: {apis: {pets: {overlay: colour.overlay.yaml}}}}\n"
    (home / "runner.yaml").write_text(f"apis: {{pets: docs/pets.yaml}}\n{overlaid}")
    assert run(["validate", "pets-recipe.yaml"]) == 0
    assert run(["run", "pets-recipe.yaml"]) == 0
    (line,) = (home / "runs" / "sandbox" / "deliveries.jsonl").read_text().splitlines()
    assert json.loads(line)["body"] == {"name": "Rex", "colour": "brown"}


@pytest.mark.parametrize(
    "text",
    [
        "apis: {pets: docs/pots.yaml}\n",
        "apis: {pets: docs/pets.yaml}\ntargets: {sandbox: {apis: {pets: {overlay: color.overlay.yaml}}}}\n",
    ],
)
def test_a_file_of_the_configuration_that_is_not_there(home: Path, text: str) -> None:
    (home / "runner.yaml").write_text(text)
    for command in (["validate"], ["run"], ["run", "--dry-run"]):
        assert run([*command, "pets-recipe.yaml"]) == 7


def test_a_document_that_is_wrong_is_told_where(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "docs" / "pets.yaml").write_text(PETS.replace("schemas/Pet", "schemas/Pot"))
    assert run(["validate", "pets-recipe.yaml"]) == 3
    assert "pets.yaml:8:" in capsys.readouterr().err


def test_a_document_that_is_wrong_hinders_no_other(home: Path) -> None:
    (home / "docs" / "pets.yaml").write_text("openapi: 2.0.0\n")
    assert run(["run", "new-order", "--dry-run"]) in (0, 2)
    assert run(["probe", "syncore"]) == 0


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        (
            "apis: {pets: docs/pet.yaml}",
            (1, 14),
            "cannot be read: no such file",
            "did you mean 'pets.yaml'?",
        ),
        ("apis: {pets: docs}", (1, 14), "cannot be read: it is a folder", ""),
        (
            "apis: {pets: ''}",
            (1, 14),
            "cannot be read: a file has to be named",
            "relative to runner.yaml",
        ),
        ("apis: {syncore: docs/pets.yaml}", (1, 8), "comes with the program", "overlay"),
        ("apis: {a.b: docs/pets.yaml}", (1, 8), "cannot be the name of an API", "as in my_shop"),
        ("apis: {pets: 5}", (1, 14), "has to be plain text", "quote it"),
        ("apis: [pets]", (1, 7), "a mapping is needed here", ""),
        ("apis: {}\napi: {}", (2, 1), "unknown key 'api'", "did you mean 'apis'?"),
        (
            "targets: {live: {account: a, apis: {pest: {}}}}",
            (1, 37),
            "there is no API 'pest'",
            "apis:",
        ),
        (
            "targets: {live: {account: a, apis: {syncore: {overlay: colour.yaml}}}}",
            (1, 56),
            "cannot be read: no such file",
            "did you mean 'colour.overlay.yaml'?",
        ),
        (
            "targets: {live: {account: a, apis: {syncore: {overlays: x}}}}",
            (1, 47),
            "unknown key",
            "'overlay'",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_told_where(
    home: Path, text: str, place: tuple[int, int], message: str, remedy: str
) -> None:
    (home / "runner.yaml").write_text(f"{text}\n")
    with pytest.raises(InvalidError) as caught:
        configured = load(home)
        catalogue_for(configured, configured.targets.get("live"))
    told = [each for each in caught.value.problems if message in each.message]
    assert [(each.line, each.column) for each in told] == [place]
    assert remedy in told[0].remedy
    assert caught.value.exit_code == 7


def test_two_targets_see_the_same_document_differently(home: Path) -> None:
    configure(home, "https://pets.invalid", ", overlay: colour.overlay.yaml")
    configured = load(home)
    names = [
        set(catalogue_for(configured, target).operation("pets.addPet").fields)
        for target in (configured.target("live"), configured.target("sandbox"), None)
    ]
    assert names == [{"name", "age", "colour"}, {"name", "age"}, {"name", "age"}]
