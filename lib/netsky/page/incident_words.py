"""The sentences of a report on an incident, in Chinese and English."""

from __future__ import annotations

from netsky.incident_report import Nature
from netsky.judging.grading import Severity
from netsky.page.incident_sentences import ASK, PASTE, TRACES, VERDICT
from netsky.page.words import Table, Words

HEAD: Table = {
    "report": ("故障报告", "Fault report"),
    "title": (
        "{isp}：{provinces}用户经 {egress} 丢包",
        "{isp}: users in {provinces} lose packets by way of {egress}",
    ),
    "provinces_more": ("{provinces} 等 {count} 省", "{provinces} and others, {count} provinces"),
    "made": ("{at} 生成（UTC+8）", "made {at} (UTC+8)"),
    "as_of": ("截至（北京时间）", "as of (Beijing)"),
    "age": ("{age}前", "{age} ago"),
    "units": ("秒,分钟,小时,天", "s,min,h,d"),
    "stale": (
        "停在 {at}，已过 {age}：故障现在如何，这一页上看不到",
        "As of {at}, {age} ago: how it stands now cannot be seen on this page",
    ),
    "stale_title": ("停在 {age}前", "of {age} ago"),
    "clock_behind": (
        "浏览器的时钟比这一页慢 {age}：无法判断这一页有多旧",
        "The clock of this browser is {age} behind this page: its age cannot be told",
    ),
    "no_script": (
        "请与手表核对：比上面的时间晚 {minutes} 分钟以上，这一页就不是现在的情况。",
        "Compare with your watch: {minutes} minutes after the time above, this page is not of now.",
    ),
    "open": ("持续中", "Going on"),
    "old": ("未见恢复，此后没有新数据", "Not seen to end, no newer data"),
    "then": ("{at} 时未恢复", "Not over at {at}"),
    "cleared": ("已恢复", "Over"),
    "given_up": ("已放弃，此后未再判定", "Given up, not judged any more"),
    "lead_open": (
        "{since} 起，丢包率由平时的 {usual} 升到 {now}。",
        "Since {since} the loss rate has risen from the usual {usual} to {now}.",
    ),
    "lead_old": (
        "{since} 起，丢包率由平时的 {usual} 最高升到 {now}；{until} 后没有新数据，现在如何不明。",
        "Since {since} the loss rate rose from the usual {usual} to {now} at most; nothing was measured after {until}, so how it stands now is not known.",
    ),
    "lead_cleared": (
        "{since} 至 {end}，历时 {duration}；丢包率由平时的 {usual} 最高升到 {now}。",
        "{since} to {end}, {duration}; the loss rate rose from the usual {usual} to {now} at most.",
    ),
    "lead_given_up": (
        "{since} 起，丢包率由平时的 {usual} 最高升到 {now}；{end} 后未再判定，结局不明。",
        "Since {since} the loss rate rose from the usual {usual} to {now} at most; not judged since {end}, so how it ended is not known.",
    ),
    "lead_fallen": (
        "{since} 起；丢包率由平时的 {usual} 最高升到 {now}，最近已低于告警门限。",
        "Since {since}; the loss rate rose from the usual {usual} to {now} at most, and is below the threshold of alerts by now.",
    ),
    "lead_unknown": (
        "{since} 起丢包升高；这段时间的丢包数据已不在库中。",
        "Loss rose at {since}; the figures of that time are no longer stored.",
    ),
    "of_province": ("{ratio}（{province}）", "{ratio} ({province})"),
    "range": ("{least} 至 {most}", "{least} to {most}"),
    "not_known": ("不详", "not known"),
}

FACTS: Table = {
    "began": ("开始", "Began"),
    "utc": ("UTC {at}", "UTC {at}"),
    "lasted": ("持续", "Lasted"),
    "not_over": ("未恢复，数据截至 {at}", "not over; data until {at}"),
    "at_least": ("至少 {duration}", "at least {duration}"),
    "no_newer": ("{at} 后没有新数据", "nothing newer than {at}"),
    "over_at": ("{at} 恢复", "over at {at}"),
    "given_up_at": ("{at} 后未再判定", "not judged since {at}"),
    "peak": ("峰值", "Peak"),
    "peak_note": (
        "{at}，平时 {usual}，高 {rise} 个百分点",
        "{at}; usually {usual}, {rise} points more",
    ),
    "peak_alert": ("告警记录：升高 {rise} 个百分点", "by the alert: {rise} points more"),
    "severity": ("级别", "Severity"),
    "severity_note": ("同时最多 {count} 省", "at most {count} provinces at once"),
    "whose": ("运营商与出口", "ISP and exit"),
    "source": ("源地址 {source}", "source {source}"),
    "no_source": ("源地址未写入 netsky.toml", "no source in netsky.toml"),
    "where": ("省份", "Provinces"),
    "where_note": ("{provinces}", "{provinces}"),
    "affected": ("受影响目标", "Targets affected"),
    "affected_note": (
        "平时在线者中丢失的，最重的一轮",
        "lost, of those usually alive, in the worst sweep",
    ),
    "affected_unknown": ("没有逐目标的记忆数据", "nothing is remembered of each target"),
    "nature": ("丢包性质", "How it is lost"),
    "count_of": ("{count} 省", "{count}"),
    **{
        f"severity_{severity.value}": names
        for severity, names in {
            Severity.MEDIUM: ("中度", "medium"),
            Severity.HEAVY: ("重度", "heavy"),
            Severity.CRITICAL: ("危急", "critical"),
        }.items()
    },
    **{
        f"nature_{nature.value}": names
        for nature, names in {
            Nature.ALL: ("全断", "nothing passes"),
            Nature.FIXED: ("固定地址不通", "the same addresses"),
            Nature.RANDOM: ("随机丢包", "by chance"),
            Nature.BOTH: ("随机与固定都有", "both"),
            Nature.UNKNOWN: ("未知", "not known"),
        }.items()
    },
    "nature_note": (
        "上轮丢的目标，本轮有 {again} 又丢",
        "of those lost before, {again} are lost again",
    ),
    "nature_unknown_note": ("没有足够的逐目标数据", "too little is known of each target"),
}

CHARTS: Table = {
    "over_time": ("丢包率走势", "Loss over time"),
    "step_minute": ("每分钟一个点", "a point a minute"),
    "step_ten_minutes": ("每 10 分钟一个点", "a point every 10 minutes"),
    "step_hour": ("每小时一个点", "a point an hour"),
    "over_time_note": (
        "{step}，纵轴相同；{usual}；浅红为故障期间；北京时间",
        "{step}, one scale; {usual}; shaded red: the incident; times of Beijing",
    ),
    "usual_median": (
        "平时＝故障前 12 小时的中位数",
        "usual = the median of the 12 hours before",
    ),
    "usual_rule": (
        "平时＝告警所比的这一时段的水平，灰带是平时的起伏",
        "usual = what the alert compares with at this hour, grey: its usual swing",
    ),
    "live": ("常在线目标", "usually alive"),
    "usual_level": ("平时 {ratio}", "usual {ratio}"),
    "elevated": ("+{points} 升高", "+{points}"),
    "severe": ("+{points} 剧升", "+{points}"),
    "begin": ("开始", "begin"),
    "peak_mark": ("峰值 {ratio}", "peak {ratio}"),
    "chart": (
        "{province}的丢包率走势，平时 {usual}，峰值 {peak}",
        "Loss of {province} over time, usually {usual}, at its peak {peak}",
    ),
    "more_provinces": (
        "另有 {count} 省未画出，各省峰值：{provinces}。",
        "Not drawn, with their peaks: {count} more, {provinces}.",
    ),
    "no_series": (
        "这段时间的逐轮数据已按保留期删除，汇总表中也没有。",
        "The sweeps of that time have been deleted, and no sums of them are kept.",
    ),
}

TABLES: Table = {
    "compare": ("是线路还是省网", "The line, or the province?"),
    "compare_note": (
        "{at} 前后 5 分钟的丢包率，括号内为该线路平时",
        "loss in the 5 minutes around {at}; in brackets what is usual there",
    ),
    "line": ("线路", "Line"),
    "rest": ("其余省份", "Others"),
    "this_line": ("本线路", "this line"),
    "not_compared": ("没有数据", "no data"),
    "lines_left": ("另有 {count} 条线路未列出。", "{count} more lines are not listed."),
    "no_lines": (
        "netsky.toml 中没有别的出口或运营商可以对比。",
        "netsky.toml has no other exit or ISP to compare with.",
    ),
    "parts": ("受影响网段", "Prefixes affected"),
    "parts_note": (
        "只算平时在线的目标；再丢：上轮丢的本轮又丢，近 100% 是固定不通，低则是随机",
        "of usually alive targets only; again: lost before and now; near 100% the same addresses are dead, a little is chance",
    ),
    "prefix": ("网段", "Prefix"),
    "province": ("省份", "Province"),
    "alive": ("平时在线", "Alive"),
    "lost": ("丢失", "Lost"),
    "loss": ("丢包率", "Loss"),
    "usually": ("平时", "Usual"),
    "again": ("再丢", "Again"),
    "samples": ("可测地址", "Addresses to test"),
    "whole": ("全省（不集中于网段）", "the whole province"),
    "parts_left": ("另有 {count} 个网段：{prefixes}", "{count} more prefixes: {prefixes}"),
    "earlier_parts": ("期间还出现过：{prefixes}", "Seen during the incident, too: {prefixes}"),
    "no_parts": (
        "没有定位到网段：探测还不知道哪些目标平时在线（memory 目录），或者丢包没有超出平时太多。",
        "No prefix was found: which targets are usually alive is not known yet (folder memory), or the loss is not far above the usual.",
    ),
    "minutes": ("逐段数据", "Figures over time"),
    "minutes_note": ("与 --format csv 相同", "as with --format csv"),
    "time": ("时间（UTC+8）", "Time (UTC+8)"),
    "lost_of": ("{lost}/{sent}", "{lost}/{sent}"),
}


def incident_words(language: str) -> Words:
    return Words(language, HEAD, FACTS, VERDICT, CHARTS, TABLES, ASK, TRACES, PASTE)
