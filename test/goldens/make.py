"""Makes the golden files in this folder with the libraries that canopy's claims name.

    python3 -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r test/goldens/requirements.txt
    /tmp/goldens/bin/python test/goldens/make.py [heads] [pictures] [resizing] [network] [tiffs]

Everything is drawn from seeds: the same versions write the same files. See docs/development.md for when to run this.
"""
import sys

import heads
import network
import pictures
import resizing
import tiffs

MAKERS = {"heads": heads, "pictures": pictures, "resizing": resizing, "network": network, "tiffs": tiffs}

for name in sys.argv[1:] or MAKERS:
    MAKERS[name].make()
    print(name)
