"""What the environment tells the programs: where streams are stored, and whether the server is restarted meanwhile."""
import asyncio
import os
import sys

import nats
from nats.js.api import StorageType

STORAGE = StorageType.FILE if os.environ.get("STORAGE") == "file" else StorageType.MEMORY


async def dial(url):
    async def quiet(_error):
        pass

    return await nats.connect(url, reconnect_time_wait=0.05, max_reconnect_attempts=-1, error_cb=quiet)


async def restart(nc):
    """Has the server restarted by whoever runs the program, and goes on when it is there again."""
    if "RESTART" not in os.environ:
        return
    print("-- restart", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while True:
        try:
            await nc.request("$JS.API.INFO", timeout=1)
            return
        except Exception:
            await asyncio.sleep(0.05)
