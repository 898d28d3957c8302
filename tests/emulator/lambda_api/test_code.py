"""Code that lies ready to run is what was packed."""

import zipfile
from io import BytesIO
from pathlib import Path

from emulator.deploy.assets import AssetSources
from emulator.lambda_api.code import CodeStore
from emulator.lambda_api.reload import Origins


def test_a_zips_programs_can_be_started_and_its_files_read(tmp_path: Path) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, permissions in (("bin/tool", 0o755), ("data", 0o444), ("without", 0)):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = permissions << 16
            archive.writestr(entry, "content")
    store = CodeStore(tmp_path, AssetSources(), Origins(()))
    lies = store.of({}, packed.getvalue(), live=False).directory
    assert (lies / "bin" / "tool").stat().st_mode & 0o777 == 0o755
    assert (lies / "data").stat().st_mode & 0o777 == 0o644
    assert (lies / "without").stat().st_mode & 0o400
