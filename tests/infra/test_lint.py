"""cfn-lint finds nothing in the templates."""

import subprocess
import sys
from pathlib import Path
from typing import Any

IGNORED = {
    "W3005": "CDK names a function's role in DependsOn beside the reference to it: redundant, not wrong",
}


def test_the_templates_are_clean(assembly: Any) -> None:
    templates = map(str, sorted(assembly.folder.glob("*.template.json")))
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", *IGNORED, "--template", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
