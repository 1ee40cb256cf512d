"""The commune office program."""

from services.commune.profile import PROFILE
from services.kernel.settings import Role, Settings
from services.office import assembly


async def run(settings: Settings) -> None:
    await assembly.run(PROFILE, settings)


def main(role: Role = "all") -> int:
    return assembly.main(PROFILE, role)


if __name__ == "__main__":
    raise SystemExit(main())
