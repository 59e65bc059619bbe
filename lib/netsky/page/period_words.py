"""The sentences of period reports, in Chinese and English."""

from __future__ import annotations

from netsky.page.words import Table, Words

_TITLES: Table = {
    "title_day": ("线路日报 {period}", "Lines on {period}"),
    "title_month": ("线路月报 {period}", "Lines in {period}"),
    "made": ("{at} 生成（UTC+8）", "made {at} (UTC+8)"),
    "span": (
        "北京时间 {first} 至 {last}（UTC {utc_first} 至 {utc_last}），对比 {before}",
        "{first} to {last} in Beijing (UTC {utc_first} to {utc_last}), against {before}",
    ),
    "not_over": ("本期未完：汇总截至 {at}", "not over yet: sums until {at}"),
    "lead": (
        "{lines} 条线路：可用率最低的是{worst}，{availability}；",
        "{lines} lines: the least available is {worst}, {availability}; ",
    ),
    "lead_not_judged": (
        "{lines} 条线路：可用率未判定（还不知道哪些目标常在线）；",
        "{lines} lines: no availability was judged (which targets usually answer is not known yet); ",
    ),
    "lead_incidents": (
        "事件共 {incidents} 起，合计 {time}。",
        "{incidents} incidents, {time} in all.",
    ),
    "lead_calm": ("没有事件。", "no incident."),
    "line_name": ("{isp} · {egress}", "{isp} · {egress}"),
}

_TABLE: Table = {
    "lines": ("各线路", "Lines"),
    "lines_note": (
        "可用率＝常在线目标丢包低于 {bad_loss}% 的轮次占比，低的在前；括号内为与 {before} 之差",
        (
            "available: sweeps in which less than {bad_loss}% of the usually alive were lost; the least available "
            "first; in brackets: against {before}"
        ),
    ),
    "line": ("线路", "Line"),
    "availability": ("可用率", "Availability"),
    "loss": ("丢包率", "Loss"),
    "live_loss": ("常在线丢包率", "Loss, usually alive"),
    "latency": ("平均时延", "Mean latency"),
    "p95": ("最高 P95", "Highest P95"),
    "incidents": ("事件", "Incidents"),
    "incident_time": ("事件时长", "In incidents"),
    "worst": ("最差省份", "Worst provinces"),
    "worst_one": ("{province} {availability}", "{province} {availability}"),
    "no_data": ("没有汇总数据", "nothing is summed up"),
    "not_read": ("{line}：没有数据（{problem}）", "{line}: no data ({problem})"),
    "gap_day": ("{count} 小时中只有 {known} 小时有数据", "data of {known} of {count} hours only"),
    "gap_month": ("{count} 天中只有 {known} 天有数据", "data of {known} of {count} days only"),
    "never": ("这一期没有测量", "not measured then"),
    "none": ("无", "none"),
}

_DETAILS: Table = {
    "over_time_day": ("每小时丢包率", "Loss by the hour"),
    "over_time_month": ("每天丢包率", "Loss by the day"),
    "chart_note": ("{what}，纵轴相同；北京时间", "{what}, one scale; times of Beijing"),
    "chart": ("{line} 的丢包率走势，最高 {most}", "Loss of {line} over time, {most} at most"),
    "of_all": ("全部目标", "all targets"),
    "of_live": ("常在线目标", "usually alive targets"),
    "details": ("{line}：逐期与各省", "{line}: side by side, and by province"),
    "provinces": ("各省", "By province"),
    "before_level": ("上期 {ratio}", "before {ratio}"),
    "province": ("省份", "Province"),
    "bad_sweeps": ("坏轮次 / 判定", "Bad sweeps / judged"),
    "alarm": ("告警分钟", "Minutes in alarm"),
    "tainted": ("本机丢包 {count} 轮", "tainted: {count}"),
    "not_judged": ("未判定 {count} 轮", "not judged: {count}"),
    "trend": ("逐期", "Side by side"),
    "trend_period": ("期", "Period"),
    "incident_list": ("事件", "Incidents"),
    "incident_since": ("开始", "Began"),
    "incident_lasted": ("历时", "Lasted"),
    "incident_peak": ("峰值", "Peak"),
    "incident_open": ("{time}，未恢复", "{time}, not over"),
    "peak_points": ("{rise} 个百分点", "{rise} points"),
    "too_many": (
        "线路超过 {most} 条：各省与逐期的数字在 --format csv 中，或用 --isp、--egress 选择。",
        "More than {most} lines: provinces and other periods are in --format csv, or choose lines with --isp, --egress.",
    ),
    "method": (
        "丢包率＝丢失 ÷ 发出，按包数合计，不是比率的平均；可用率＝1 − 坏轮次 ÷ 判定的轮次，按省累计；坏轮次＝该省常在线目标丢包 {bad_loss}% 及以上的一轮；目标少的省，还要超出偶然。还不知道哪些目标常在线的轮次不判定，没有判定过的写 –；本机自己丢了包的轮次不计入任何数字。告警分钟＝告警判为升高或剧升的分钟。日、月按北京时间划分，由按 UTC 小时的汇总相加。",
        "Loss = lost / sent, of the packets, not a mean of ratios. Availability = 1 − bad sweeps / judged sweeps, summed up over provinces; a sweep is bad when {bad_loss}% or more of the province's usually alive targets were lost, and where these are few more than chance explains. Where these are not known yet a sweep is not judged; – is what was never judged. A sweep in which this host dropped packets itself is in no figure. A minute is in alarm when the alert graded the province. Days and months are those of Beijing, added up from sums of hours of UTC.",
    ),
}

_TEXT: Table = {
    "t_line": (
        "{line}：可用率 {availability}，{loss}，时延 {latency}，{incidents}",
        "{line}: availability {availability}, {loss}, latency {latency}, {incidents}",
    ),
    "t_loss": ("丢包率 {loss}", "loss {loss}"),
    "t_live_loss": ("常在线丢包率 {loss}", "loss of the usually alive {loss}"),
    "t_changed": ("{value}（{change}）", "{value} ({change})"),
    "t_incidents": ("事件 {count} 起，{time}", "{count} incidents, {time}"),
    "t_calm": ("没有事件", "no incident"),
    "t_gap": ("，{gap}", ", {gap}"),
    "t_worst": ("，最差 {worst}", ", worst {worst}"),
    "t_more": ("另有 {count} 条线路可用率更高。", "{count} more lines are more available."),
    "t_unknown": ("{count} 条线路没有数据。", "Of {count} lines nothing is known."),
}


def period_words(language: str) -> Words:
    return Words(language, _TITLES, _TABLE, _DETAILS, _TEXT)
