"""The Grafana dashboards of netsky, as code; `build.py` beside this package writes their JSON."""
