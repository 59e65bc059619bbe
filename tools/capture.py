"""Keep a sweep and a verdict as docs/pictures/*.json: of the lab, in the middle of an outage.

    python -m tools.capture && python -m tools.pictures

What is kept is what the tools printed. Delays are made up, about as they are from Shenzhen.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.making import make_lab
from lab.proofs.drill import HISTORY
from lab.proofs.history import make_history
from lab.proofs.site import Site
from lab.proofs.story import DEAD_SHARE, EVERYDAY_LOSS, OUTAGE
from tools.pictures import FOLDER

ISP, EGRESS = "cu", "b"
TARGETS = 4000
# fmt: off
DELAY_MS = {
    "guangdong": 6, "guangxi": 14, "hunan": 16, "hainan": 17, "jiangxi": 18, "fujian": 19,
    "hubei": 22, "guizhou": 24, "zhejiang": 27, "shanghai": 28, "anhui": 28, "jiangsu": 30,
    "chongqing": 30, "henan": 31, "sichuan": 33, "yunnan": 34, "shandong": 35, "shaanxi": 36,
    "hebei": 38, "beijing": 38, "tianjin": 39, "shanxi": 40, "ningxia": 44, "liaoning": 46,
    "neimenggu": 47, "gansu": 47, "jilin": 51, "qinghai": 52, "heilongjiang": 55, "xizang": 66,
    "xinjiang": 70,
}
# fmt: on


def capture() -> dict[str, dict[str, object]]:
    """A sweep and a verdict while four provinces lose packets, as the tools print them."""
    with make_lab() as lab, tempfile.TemporaryDirectory() as folder:
        site = Site(lab, Path(folder))
        site.set_up(targets=TARGETS)
        for province, milliseconds in DELAY_MS.items():
            [prefix, *_] = Place(ISP, province).prefix.subnets(new_prefix=20)
            seconds = milliseconds / 1000
            lab.set_delay(prefix, seconds, jitter=seconds / 10, egress=EGRESS)
        lab.set_dead(DEAD_SHARE)
        lab.set_loss(Loss(EVERYDAY_LOSS))
        make_history(site, ISP, EGRESS, site.probe(ISP, EGRESS), HISTORY)
        site.run("netsky_get_avg_lossrate", ISP)
        for province, ratio in OUTAGE.items():
            lab.set_loss(Loss(ratio), egress=EGRESS, isp=ISP, province=province)
        sweep = site.probe(ISP, EGRESS).document
        return {"sweep": sweep, "alert": site.alert(ISP, EGRESS)}


if __name__ == "__main__":
    for name, document in capture().items():
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
