"""Days of sweeps on a simulated clock, to score rules of detection against the truth.

    world    the truth: users' loss, outages, gaps; and what sweeps would measure of it
    rule     a rule of the product, minute by minute, as its tools would use it
    rules    the rules by name, and others for comparison
    replay   a rule over the sweeps of a line, with or without the delays of Prometheus
    score    what the alerts come to against the truth
    limits   the smallest rise that is alerted, case by case

A line is one ISP through one exit. Time goes in minutes, a sweep a minute.
"""
