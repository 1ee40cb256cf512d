"""The province office program."""

from services.kernel.settings import Role, Settings
from services.office import assembly
from services.province.profile import PROFILE


async def run(settings: Settings) -> None:
    await assembly.run(PROFILE, settings)


def main(role: Role = "all") -> int:
    return assembly.main(PROFILE, role)


if __name__ == "__main__":
    raise SystemExit(main())
