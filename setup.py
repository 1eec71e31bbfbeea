"""What pyproject.toml cannot say: the notebooks lie beside the package, and the README's links."""

import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def readme() -> str:
    """The README with links and pictures that work away from the repository."""
    [address] = re.findall(
        r"^repository-code: (\S+)$", (HERE / "CITATION.cff").read_text(), re.M
    )
    text = (HERE / "README.md").read_text(encoding="utf-8")
    pictures = re.sub(r"!\[([^]]*)\]\((?!https://)", rf"![\1]({address}/raw/main/", text)
    return re.sub(r"(?<!!)(\[[^]]*\])\((?!https://|#)", rf"\1({address}/blob/main/", pictures)


class WithNotebooks(build_py):
    """Build the package, notebooks included."""

    def run(self) -> None:
        """Copy them once the modules are in place."""
        super().run()
        # An editable installation finds them where they lie.
        if self.editable_mode:
            return
        folder = Path(self.build_lib, "sim", "notebooks")
        self.mkpath(str(folder))
        for pattern in ("*.ipynb", "*.yaml"):
            for path in sorted(Path("notebooks").glob(pattern)):
                self.copy_file(str(path), str(folder / path.name))


if __name__ == "__main__":
    setup(
        cmdclass={"build_py": WithNotebooks},
        long_description=readme(),
        long_description_content_type="text/markdown",
    )
