"""The sentences of the overview in Chinese and English."""

from __future__ import annotations

from netsky.page.words import Table

HEADLINES: Table = {
    "title": ("netsky 总览", "netsky overview"),
    "bad_line": ("{isps}用户经 {exits} 丢包", "{isps} users lose packets through {exits}"),
    "bad_province": (
        "{isps}用户经各出口都丢包",
        "{isps} users lose packets through all exits",
    ),
    "bad_exit": ("{exits} 整条出口丢包：{isps}用户", "All of {exits} loses packets: {isps} users"),
    "recovering": ("{isps}用户经 {exits}：正在恢复", "{isps} users through {exits}: recovering"),
    "unknown_now": (
        "{isps}用户经 {exits}：故障未恢复，现在无法判断",
        "{isps} users through {exits}: an incident is open, and nothing can be told now",
    ),
    "lasting": ("，已 {duration}", ", for {duration}"),
    "no_incident_since": (
        "，{at} 那轮起超过告警线，还不是故障事件",
        ", above the threshold since the sweep of {at}, not an incident yet",
    ),
    "no_incident": ("，超过告警线，还不是故障事件", ", above the threshold, not an incident yet"),
    "points_unit": ("{rises} 个百分点", "{rises} points"),
    "and_provinces": ("{rises} 等 {count} 省", "{rises} and more, {count} provinces"),
    "nationwide": ("全国，最高{rises}", "All provinces, at most {rises}"),
    "blame_line": (
        "同省走 {fine} 正常：问题在 {exits} 线路或其上联，不在省网。可先改走 {first}。",
        (
            "The same provinces are fine through {fine}: the fault is on {exits} or its upstream, not in the "
            "provinces' networks. {first} can take the traffic."
        ),
    ),
    "blame_line_mixed": (
        "其他出口正常：问题在 {exits} 线路或其上联，不在省网。",
        "The other exits are fine: the fault is on {exits} or its upstream, not in the provinces' networks.",
    ),
    "blame_exit": (
        "各运营商用户经 {exits} 都丢：{exits} 整条出口的问题。",
        "Users of all ISPs lose packets through {exits}: the exit as a whole is at fault.",
    ),
    "blame_province": (
        "各出口都丢：在{isps}省网一侧，不在本机房的出口。",
        "It is lost through all exits: the fault is in the networks of {isps}, not at this site's exits.",
    ),
    "blame_partly": (
        "部分其他出口也丢：尚不能断定是线路还是省网。",
        "Some other exits lose packets, too: line or province cannot be told yet.",
    ),
    "blame_unknown": (
        "没有其他出口的可比数据：尚不能判断是线路还是省网。",
        "No other exit was judged to compare with: line or province cannot be told yet.",
    ),
    "blame_tainted": (
        "■ 最近一轮里本机自己也丢了包：数字可能偏高，先看探测机。",
        (
            "■ This host itself dropped packets in the newest sweep: the figures may be too high, look at the "
            "probe first."
        ),
    ),
    "blame_recovering": (
        "已降到告警线以下，连续几轮正常后算恢复。",
        "It is below the threshold again; after some more sweeps it counts as over.",
    ),
    "blame_not_judged": (
        "涉及的省现在没有可判定的数据：不代表已恢复。",
        "The provinces concerned are not judged now: that does not mean that it is over.",
    ),
    "others": ("其余 {count} 组：{parts}。", "The other {count} lines: {parts}."),
    "others_bad": ("{count} 组也有故障（{names}）", "{count} in trouble, too ({names})"),
    "others_fine": ("{count} 组正常", "{count} fine"),
    "others_not_judged": ("{count} 组未全部判定（{names}）", "{count} not all judged ({names})"),
    "others_tainted": ("{count} 组有本机丢包（{names}）", "{count} tainted ({names})"),
    "and_more": ("{names} 等", "{names} and more"),
    "well": (
        "全部正常：{count} 组，没有一省的丢包率比平时高出 {limit} 个百分点",
        "All is well: {count} lines, and no province loses {limit} points more than usual",
    ),
    "largest": (
        "升幅最大：{province}（{line}）{rise}",
        "Largest rise: {province} ({line}) {rise}",
    ),
    "doubt": (
        "已判定的都正常；{count} 组不能全信",
        "What was judged is well; {count} lines cannot be trusted in full",
    ),
    "nothing_judged": ("无法判断：没有新数据", "Nothing can be told: there is no new data"),
    "no_database": ("无法判断：数据库读不到", "Nothing can be told: the database cannot be read"),
    "no_lines": ("还没有任何探测数据", "Nothing was ever measured"),
    "no_lines_hint": (
        "先让 netsky_probe.py 跑一轮；--database、--isp、--egress 应与它相同。",
        "Let netsky_probe.py sweep first, and give the same --database, --isp and --egress.",
    ),
    "last_sweep": ("最后一轮探测：{at}（{age}）。", "The newest sweep: {at} ({age})."),
}

PAGE: Table = {
    "as_of": ("截至 {date}", "as of {date}"),
    "no_script": (
        "脚本没有运行：请把上面的时间与您的时钟比较，相差 {minutes} 分钟以上就不是现在的情况。",
        "No script runs: compare the time above with your clock; {minutes} minutes apart or more is not now.",
    ),
    "stale": (
        "画面停在 {age}前（{at}）：下面不是现在的情况。请检查 netsky 的定时任务和网页服务。",
        "This picture stopped {age} ago ({at}): below is not now. Look at netsky's timer and at the web server.",
    ),
    "clock_behind": (
        "您的时钟比本页慢 {age}：新旧无从判断，请校时。",
        "Your clock is {age} behind this page, so that its age cannot be told: set the clock.",
    ),
    "stale_title": ("停在 {age}前", "stopped {age} ago"),
    "age": ("{age}前", "{age} ago"),
    "units": ("秒,分钟,小时,天", "s,min,h,d"),
    "legend": (
        "丢包率比平时高出的百分点：",
        "Loss above the usual, in points:",
    ),
    "legend_about": (
        "平时 = 已存的均值；31 省方格图，netsky 所测。",
        "Usual: the baseline that is stored.",
    ),
    "elevated": ("升高", "elevated"),
    "severe": ("剧升", "severe"),
    "not_judged": ("未判定（旧、无数据、无均值）", "not judged (old, no data, no usual)"),
    "maps": ("每组运营商 × 出口", "Each ISP through each exit"),
    "map_title": ("{isp}用户", "{isp} users"),
    "map_below": ("经 {egress}", "through {egress}"),
    "at_time": ("{at} 的数据", "as of {at}"),
    "state_bad": ("▲ {count} 省升高", "▲ {count} provinces up"),
    "state_bad_tainted": ("▲ {count} 省升高 ■ 本机丢包", "▲ {count} provinces up ■ tainted"),
    "state_open": ("▲ 故障未恢复", "▲ incident is open"),
    "state_fine": ("✓ 正常 最大 {province} {rise}", "✓ fine, most {province} {rise}"),
    "state_noticed": ("✓ 正常 留意 {count} 省", "✓ fine, small rises: {count}"),
    "state_calm": ("✓ 正常", "✓ fine"),
    "state_partly": ("■ {count} 省未判定", "■ {count} provinces not judged"),
    "state_old": ("■ {age}无新数据", "■ no new data for {age}"),
    "state_none": ("■ 未判定：{reason}", "■ not judged: {reason}"),
    "state_away": ("■ 数据库读不到", "■ database cannot be read"),
    "state_tainted": ("■ 本机丢包，不可信", "■ tainted: drops of this host"),
    "tile_no_loss_rate": ("无", "none"),
    "tile_stale": ("旧", "old"),
    "tile_no_baseline": ("无均值", "new"),
    "tile_stale_baseline": ("均值旧", "usual"),
    "tile_in_the_future": ("超前", "ahead"),
    "tile_away": ("?", "?"),
    "tile_unmeasured": ("–", "–"),
    "reason_no_loss_rate": ("没有数据", "no data"),
    "reason_stale": ("数据过期", "old data"),
    "reason_no_baseline": ("尚无均值", "no usual level yet"),
    "reason_stale_baseline": ("均值过期", "an old usual level"),
    "reason_in_the_future": ("时钟超前", "a clock that is ahead"),
    "map_label": ("{isp}用户经 {egress}：{state}", "{isp} users through {egress}: {state}"),
    "worst_provinces": ("升高的省 {rises}", "provinces up: {rises}"),
    "folded_fine": ("✓ 正常的 {count} 组：{names}", "✓ {count} lines that are fine: {names}"),
    "incidents": ("未恢复的故障（{count}）", "Open incidents ({count})"),
    "no_incidents": ("✓ 没有", "✓ none"),
    "incidents_unknown": (
        "■ 有读不到的组，可能不全",
        "■ some lines cannot be read: there may be more",
    ),
    "incident_title": ("{isp}：{provinces} 经 {egress}", "{isp}: {provinces} through {egress}"),
    "incident_peak": ("峰值 {peak} 个百分点", "{peak} points at most"),
    "incident_since": ("{at} 起，已 {duration}", "since {at}, for {duration}"),
    "incident_prefixes": ("网段 {prefixes}", "prefixes {prefixes}"),
    "incident_report": ("故障报告（可打印，发运营商）→", "Report for the carrier, to print →"),
    "incident_command": (
        "故障报告：netsky_report.py incident {id}",
        "Report: netsky_report.py incident {id}",
    ),
    "more_incidents": ("另有 {count} 起", "{count} more"),
    "cleared": ("24 小时内结束（{count}）", "Ended within the day ({count})"),
    "cleared_one": (
        "{from_}–{until} {isp} 经 {egress}：{provinces}，峰值 {peak}",
        "{from_}–{until} {isp} through {egress}: {provinces}, at most {peak}",
    ),
    "given_up": ("已放弃", "given up"),
    "given_up_one": (
        "{from_} 起，{until} 后未再判定 {isp} 经 {egress}：{provinces}，峰值 {peak}",
        "since {from_}, not judged after {until}: {isp} through {egress}: {provinces}, at most {peak}",
    ),
    "medium": ("中度", "medium"),
    "heavy": ("重度", "heavy"),
    "critical": ("危急", "critical"),
    "probes": ("探测自身", "The probes themselves"),
    "badge_old": ("数据旧", "old data"),
    "badge_unjudged": ("未判定", "not judged"),
    "badge_away": ("读不到", "not read"),
    "badge_tainted": ("本机丢包", "tainted"),
    "badge_spooled": ("未入库", "waiting"),
    "badge_library": ("地址库旧", "old library"),
    "said_old": ("{lines}：没有新数据，未判定。", "{lines}: no new data, not judged."),
    "said_new": ("{lines}：还没有平时水平可比。", "{lines}: no usual level to compare with yet."),
    "said_unjudged": ("{lines}：有数据，未判定。", "{lines}: there is data, and it is not judged."),
    "said_partly": ("{lines}：有省未判定。", "{lines}: some provinces are not judged."),
    "said_away": ("{lines}：{reason}", "{lines}: {reason}"),
    "said_tainted": (
        "{lines}：最近一轮里本机自己丢了包，不能拿去找运营商。",
        "{lines}: this host itself dropped packets in the newest sweep: nothing to show a carrier.",
    ),
    "said_spooled": (
        "{lines}：有轮次还没写进数据库，等待补写。",
        "{lines}: sweeps wait on this host for the database.",
    ),
    "said_library": (
        "{lines}：地址库超过 {days} 天没有更新。",
        "{lines}: the address library is older than {days} days.",
    ),
    "said_well": (
        "✓ 数据都新，没有本机丢包。",
        "✓ All data is new, and this host dropped nothing.",
    ),
    "never_measured": ("从未测过：{lines}", "Never measured: {lines}"),
    "all_lines": ("全部 {count} 组", "All {count} lines"),
    "column_line": ("运营商×出口", "ISP×exit"),
    "column_data": ("数据", "data"),
    "column_spool": ("暂存", "waiting"),
    "column_baseline": ("均值", "usual"),
    "column_dead": ("不应答", "dead"),
    "library_of": ("地址库 {isp}：{age}发布", "Library of {isp}: published {age}"),
    "day": ("过去 24 小时", "The past 24 hours"),
    "day_about": (
        "每格 {minutes} 分钟，取其中最坏一轮、各出口中升得最多的一条，与现在的平时水平比；粗框为故障，斜纹为无数据",
        (
            "A cell is {minutes} minutes: its worst sweep through the exit that rose most, against the usual of "
            "now; framed: incidents; hatched: no data"
        ),
    ),
    "day_label": (
        "{isp}用户 24 小时：{incidents} 起故障",
        "{isp} users over 24 hours: {incidents} incidents",
    ),
    "frame_open": ("▼ 进行中 {provinces}", "▼ now {provinces}"),
    "frame_over": ("{from_}–{until} {provinces}", "{from_}–{until} {provinces}"),
    "etc_provinces": ("{first}等 {count} 省", "{first} … ({count} provinces)"),
    "best": ("此刻走哪条出口", "Which exit to use now"),
    "best_about": (
        "灰：常用出口现在也好，数字是它的丢包率；蓝：改走所写出口，丢包率低这么多个百分点；蓝框：丢包相当，快这么多毫秒；斜纹：常用出口的数据不可信，写的是其余出口里最好的{codes}",
        (
            "Grey: the exit in use is fine, with its loss rate; blue: use the exit that is named, which loses so many "
            "points less; framed in blue: which loses as much and is so many ms faster; hatched: of the exit in use there is no "
            "data to trust, the best of the others is named{codes}"
        ),
    ),
    "best_codes": ("（{codes}）", " ({codes})"),
    "best_below": ("常用出口 {egress}", "exit in use {egress}"),
    "best_move": ("▲ {count} 省宜改走", "▲ {count} provinces do better elsewhere"),
    "best_stay": ("✓ 照旧即可", "✓ stay"),
    "best_partly": ("■ {count} 省常用出口不可信", "■ exit in use not trusted: {count}"),
    "best_none": ("■ 常用出口不可信", "■ exit in use not trusted"),
    "best_nothing": ("没有可信的数据。", "There is no data to trust."),
    "best_one_exit": (
        "每个运营商只有一个出口有数据，没有可选的。",
        "Each ISP has data through one exit only: there is nothing to choose.",
    ),
    "figures": (
        "全部数字（现丢包率，括号内为升高的百分点）",
        "All figures (loss now, in brackets the rise in points)",
    ),
    "figures_too_many": (
        "共 {count} 组，数字太多：用 netsky_report.py --format json 取。",
        "{count} lines have too many figures for a page: take them with netsky_report.py --format json.",
    ),
    "province": ("省份", "province"),
    "foot_day": ("日报 {period}", "Lines on {period}"),
    "foot_month": ("月报 {period}", "Lines in {period}"),
    "foot": (
        "netsky {version} · 时间为北京时间 · 每 30 秒自动刷新",
        "netsky {version} · times are of Beijing, UTC+8 · reloads every 30 seconds",
    ),
}
