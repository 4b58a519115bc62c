"""`python -m worker.demo`: what `leadmail up --demo` runs once requests are served."""

import sys

from worker.demo.scene import main

sys.exit(main())
