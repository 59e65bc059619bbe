"""The longer sentences of a report on an incident: what is thought, what is asked for, what is pasted."""

from __future__ import annotations

from netsky.page.words import Table
from netsky.trace import Untold

ONE_WAY = "one_way"

VERDICT: Table = {
    "verdict": ("初步判断", "What we think"),
    "verdict_note": ("供核查，以贵方测试为准", "to be checked; your own tests count"),
    "only_here": (
        "问题在 {egress} 这条线路到{isp}这些省份的路上，不在省网。",
        "The trouble is on the way from {egress} to {isp} in these provinces, not in the provinces' networks.",
    ),
    "whole_exit": (
        "问题在 {egress} 出口或其上联：经它的其他运营商也丢，其他出口不丢。",
        "The trouble is {egress} or its uplink: other ISPs lose by way of it, too, and other exits do not.",
    ),
    "all_exits": (
        "各出口都丢：问题在{isp}一侧的省网或骨干，不在 {egress} 这一条线路。",
        "All exits lose: the trouble is in the network of {isp}, not in the line {egress} alone.",
    ),
    "some_exits": (
        "部分出口也丢：不只是 {egress} 这一条线路。",
        "Some other exits lose, too: it is not the line {egress} alone.",
    ),
    "cannot_tell": (
        "尚不能判断是线路还是省网：同一时刻没有可对比的其他出口。",
        "Whether it is the line or the province cannot be told: no other exit can be compared at that moment.",
    ),
    "begins": (
        "丢包始于{after} 之后，至迟到{at_latest}（{province}，{count} 个目标）。",
        "Loss begins after {after}, at {at_latest} at the latest ({province}, {count} targets).",
    ),
    "this_host": ("本机", "this host"),
    "the_target": ("目标", "the target"),
    "hop": ("第 {hop} 跳 {address}", "hop {hop} {address}"),
    "hop_silent": ("第 {hop} 跳（不应答）", "hop {hop} (silent)"),
    "clean": (
        "取证时（{at}）到 {province} 的路径正常，没有丢包。",
        "When traces were taken ({at}) the way to {province} lost nothing.",
    ),
    "untold": (
        "从哪一跳开始丢，判断不了（{province}）：{reason}。",
        "At which hop loss begins cannot be told ({province}): {reason}.",
    ),
    **{
        f"untold_{untold.value}": names
        for untold, names in {
            Untold.NOTHING_SENT: ("没有发出探测包", "nothing was sent"),
            Untold.TOO_LITTLE_LOSS: ("丢包太少", "there is too little loss"),
            Untold.TOO_FEW_ROUTERS: ("途中应答的路由器太少", "too few routers on the way answer"),
        }.items()
    },
    "untold_none": ("原因不明", "for reasons not known"),
    "limited": (
        "第 {hops} 跳限制自身应答，不是丢包，未计入。",
        "Hop {hops} limits its own answers; that is no loss, and is not counted.",
    ),
    "branch": (
        "丢包的流都经过第 {hop} 跳 {address}，其余 {count} 条流不经过它。",
        "All flows that lose pass hop {hop} {address}; the other {count} do not.",
    ),
    "compared_clean": (
        "同一批目标走 {egress} 不丢。",
        "The same targets lose nothing by way of {egress}.",
    ),
    "compared_lossy": (
        "同一批目标走 {egress} 也丢 {loss}。",
        "The same targets lose {loss} by way of {egress}, too.",
    ),
    "changed": (
        "路径有变：到{province}的第 {hop} 跳原为 {before}，现为 {now}。",
        "The path has changed: hop {hop} to {province} was {before}, and is {now}.",
    ),
    "changes_unknown": (
        "没有平时的路径可比，路径有没有变不知道。",
        "Whether the path has changed is not known: none was taken in quiet times.",
    ),
    "no_changes": ("取证时的路径与平时相同。", "The path was as usual when traces were taken."),
    "exits_fine": (
        "同一时刻同样的省份走 {exits} 没有升高。",
        "The same provinces had no rise by way of {exits} at the same moment.",
    ),
    "exits_risen": (
        "同一时刻走 {exits} 也升高。",
        "There was a rise by way of {exits} at the same moment, too.",
    ),
    "isps_fine": (
        "经 {egress} 到{isps}的同样省份没有升高。",
        "Of {isps} by way of {egress} the same provinces had no rise.",
    ),
    "isps_risen": (
        "经 {egress} 到{isps}的同样省份也升高。",
        "Of {isps} by way of {egress} the same provinces rose, too.",
    ),
    "others_fine": (
        "其余省份经 {egress} 丢 {loss}（平时 {usual}）：不是整条线路断。",
        "The other provinces lose {loss} by way of {egress} (usually {usual}): the line as a whole is not down.",
    ),
    "others_risen": (
        "其余省份经 {egress} 也升到 {loss}（平时 {usual}）。",
        "The other provinces lose {loss} by way of {egress}, too (usually {usual}).",
    ),
    "is_random": (
        "丢包不固定在某些地址上，像拥塞或链路误码。",
        "The loss is not of certain addresses: congestion, or errors of a link, look like this.",
    ),
    "is_fixed": (
        "丢的总是同一批地址，像某条路由或某个设备不通。",
        "It is always the same addresses: a route or a device that is dead looks like this.",
    ),
    ONE_WAY: (
        "单向测试分不清是去程丢还是回程丢，需要贵方反向测试。",
        "A test in one direction cannot tell whether packets are lost on the way there or back: please test in reverse.",
    ),
    "tainted": (
        "期间有 {count} 轮本机自己丢了包，未计入以上数字。",
        "In {count} sweeps this host itself dropped packets; they are not counted here.",
    ),
    "only_tainted": (
        "期间 {count} 轮本机自己都丢了包，没有别的数据：以上数字可能偏高，不可全信。",
        "In all {count} sweeps this host itself dropped packets, and there are no others: figures may be too high.",
    ),
    "dropped_answers": (
        "取证时本机丢弃了 {count} 个应答，路径上的丢包不一定都是网络所致。",
        "While traces were taken this host dropped {count} answers: not all loss on the way need be the network's.",
    ),
}

ASK: Table = {
    "ask": ("请贵方协助", "What we ask for"),
    "ask_reverse": (
        "从{provinces}省内向源地址 {source} 反向测试：",
        "Please test in reverse from {provinces} to our source {source}:",
    ),
    "ask_no_source": (
        "从{provinces}省内向我方出口地址反向测试（源地址未写入 netsky.toml 的 [egress.{egress}]）。",
        "Please test in reverse from {provinces} to our address (netsky.toml has no source in [egress.{egress}]).",
    ),
    "ask_targets": (
        "并请查看到下列地址的路径：{targets}",
        "and look at the path to these addresses: {targets}",
    ),
    "ask_prefixes": (
        "并请查看到下列网段的路径：{prefixes}",
        "and look at the path to these prefixes: {prefixes}",
    ),
    "ask_hop": ("重点核查 {hops}。", "Please look at {hops} above all."),
    "ask_answer": (
        "请回复故障原因和预计恢复时间。",
        "Please tell the cause, and when it will be mended.",
    ),
    "contact": ("联系方式", "Contact"),
    "call": ("回电：{contact}", "Call back: {contact}"),
    "no_contact": (
        "联系人未写入 netsky.toml 的 [egress.{egress}] contact。",
        "netsky.toml has no contact in [egress.{egress}].",
    ),
    "circuit": ("电路编号：{circuit}", "Circuit: {circuit}"),
    "no_circuit": (
        "电路编号未写入 netsky.toml 的 [egress.{egress}] circuit。",
        "netsky.toml has no circuit in [egress.{egress}].",
    ),
    "number": ("报告编号：{number}", "Report: {number}"),
}

TRACES: Table = {
    "traces": ("路由测试", "Traces"),
    "traces_note": ("mtr 原文，{at} 起", "as mtr printed them, from {at} on"),
    "failing": ("▲ 故障时", "▲ during the fault"),
    "healthy": ("✓ 恢复后", "✓ after it"),
    "to_target": ("{target} {province} 经 {egress}", "{target} {province} by way of {egress}"),
    "not_taken": (
        "mtr 没有结果（不代表没有跳）：{reason}",
        "mtr gave no result (which does not mean no hops): {reason}",
    ),
    "loss_begins": ("◀ 丢包起点", "◀ begins"),
    "rate_limited": ("限速，不计", "limited, not counted"),
    "no_evidence": (
        "没有路由取证：{reason}。以上判断只依据探测数据。",
        "There are no traces: {reason}. What is said above is from the sweeps alone.",
    ),
    "why_none": (
        "事件中没有记录证据（没有运行 netsky_trace.py，或者它没有权限、超出了次数限制）",
        "the incident has no evidence noted (netsky_trace.py did not run, lacked a right, or was over its budget)",
    ),
    "why_problems": ("{problems}", "{problems}"),
    "why_empty": (
        "证据目录中没有这一事件的记录",
        "the folder of evidence has nothing of this incident",
    ),
    "also_missing": ("证据不全：{problems}", "Not all evidence is there: {problems}"),
    "unfinished": ("mtr 尚未做完，或中途被终止", "mtr has not ended, or was stopped"),
}

PASTE: Table = {
    "paste": ("粘贴到企业微信、钉钉或工单", "To paste into a chat or a ticket"),
    "paste_note": ("{size} 字节", "{size} bytes"),
    "method": (
        "方法：ICMP echo，每轮向地址库中每个目标各发一次，按省汇总；丢包率＝未应答 ÷ 已发。常在线目标：平时十次有九次应答的。中间跳丢而后面不丢，是路由器限制自身应答，不算丢包。",
        "Method: ICMP echoes, a sweep asks each target of the library, summed up by province; loss = unanswered / sent. Usually alive: who answers nine times of ten. A hop that loses where those behind it do not limits its own answers: no loss.",
    ),
    "t_title": (
        "【报障】{isp} {provinces}用户经 {egress} 丢包（{state}）",
        "[Fault] {isp}, {provinces}, by way of {egress} ({state})",
    ),
    "t_began": (
        "开始：{at} 北京时间（UTC {utc}），截至 {until} 已持续 {duration}",
        "Began: {at} Beijing (UTC {utc}), for {duration} as of {until}",
    ),
    "t_old": (
        "开始：{at} 北京时间（UTC {utc}），到 {until} 已 {duration} 未恢复；此后没有新数据",
        "Began: {at} Beijing (UTC {utc}), not over after {duration} at {until}; no newer data",
    ),
    "t_over": (
        "时间：{at} 至 {end} 北京时间（UTC {utc} 起），历时 {duration}，已恢复",
        "Time: {at} to {end} Beijing (from UTC {utc}), {duration}, over",
    ),
    "t_given_up": (
        "开始：{at} 北京时间（UTC {utc}）；{end} 后未再判定，结局不明",
        "Began: {at} Beijing (UTC {utc}); not judged since {end}, how it ended is not known",
    ),
    "t_loss": ("现象：{losses}", "Loss: {losses}"),
    "t_loss_of": (
        "{province}最高 {peak}（平时 {usual}）",
        "{province} {peak} at most (usual {usual})",
    ),
    "t_loss_more": ("{losses} 等 {count} 省", "{losses}; {count} provinces in all"),
    "t_tainted": ("注意：{said}", "Note: {said}"),
    "t_nature": ("性质：{nature}", "Kind: {nature}"),
    "t_nature_again": (
        "性质：{nature}，上轮丢的目标本轮 {again} 又丢",
        "Kind: {nature}; of those lost before, {again} are lost again",
    ),
    "t_verdict": ("判断：{verdict}", "We think: {verdict}"),
    "t_where": ("位置：{where}", "Where: {where}"),
    "t_changed": ("变化：{changed}", "Change: {changed}"),
    "t_prefixes": ("网段：{prefixes}", "Prefixes: {prefixes}"),
    "t_prefixes_more": (
        "网段：{prefixes} 等 {count} 个",
        "Prefixes: {prefixes} and more, {count} in all",
    ),
    "t_targets": ("可测地址：{targets}", "Test to: {targets}"),
    "t_ask": ("请查：反向测试 {command}；{one_way}", "Please run in reverse: {command}. {one_way}"),
    "t_ask_no_source": ("请查：从省内反向测试；{one_way}", "Please test in reverse. {one_way}"),
    "t_circuit": ("电路：{circuit}", "Circuit: {circuit}"),
    "t_contact": ("联系：{contact}", "Contact: {contact}"),
    "t_number": ("编号：{number}", "Report: {number}"),
}
