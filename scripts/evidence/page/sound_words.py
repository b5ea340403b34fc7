"""What pages say of sound, in English and Chinese: measures, what a person hears where one fails, and all around."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from .words import Both, Value, of

WORDS: Dict[str, Tuple[str, str]] = {
    "title": ("Sound", "声音"),
    "all_good": ("All {all} recordings are as good as they should be", "全部 {all} 条录音均合格"),
    "one_good": ("The recording is as good as it should be", "录音合格"),
    "some_bad": ("{bad} of {all} recordings are bad", "{all} 条录音中 {bad} 条不合格"),
    "allowed": ("{allowed} may be", "允许 {allowed} 条"),
    "by_baseline": ("Judged by the baseline of {clips} recordings", "依据 {clips} 条录音的基线"),
    "of_engine": ("engine {engine}", "引擎 {engine}"),
    "of_voice": ("voice {voice}", "音色 {voice}"),
    "no_baseline": (
        "There is no baseline of this voice: the limits are those of any speech, and much passes.",
        "没有该音色的基线：仅按一般语音的限值判断，许多问题会漏过。",
    ),
    "false_alarms": (
        "The baseline's own false alarms: {alarms} of {clips} recordings, at most {most} % (95 %).",
        "基线自身的误报：{clips} 条录音中 {alarms} 条，至多 {most} %（95 %）。",
    ),
    "few_of_baseline": (
        "The baseline has {clips} recordings only: take 20 or more, its limits are no more than a guess.",
        "基线只有 {clips} 条录音：限值只是猜测，请录 20 条以上。",
    ),
    "few_clips": (
        "{clips} recordings are too few to tell a trend: a mean says something from 20 on.",
        "{clips} 条录音太少，看不出趋势：20 条以上平均值才有意义。",
    ),
    "unmeasured": ("Not measured here", "未测量的项目"),
    "not_measured": ("{names}: for want of {package}", "{names}：缺少 {package}"),
    "no_golden": (
        "{count} recordings have no golden one: nothing was compared.",
        "{count} 条录音没有参考录音，未作比较。",
    ),
    "bad_ones": ("What is bad", "不合格的录音"),
    "more_bad": ("{count} more are in the list of all.", "另有 {count} 条，见全部录音。"),
    "this": ("now", "本次"),
    "golden": ("golden", "参考"),
    "measures": ("All measures", "全部测量"),
    "measure": ("Measure", "测量项"),
    "value": ("Value", "数值"),
    "limits": ("Limits", "限值"),
    "failed": ("bad", "不合格"),
    "passed": ("good", "合格"),
    "skipped": ("skipped", "跳过"),
    "needs": ("needs {package}", "需要 {package}"),
    "no_text": ("(no text)", "（无文本）"),
    "whole": ("The set as a whole", "整体"),
    "whole_note": (
        "Means that say little of one recording, and much of 20 or more: only a fall that is not chance counts.",
        "这些平均值对单条录音意义不大，20 条以上才可靠：只有并非偶然的下降才算数。",
    ),
    "fallen": ("The set as a whole is worse than before", "整体比以前差"),
    "spread": ("Where the recordings lie within the limits", "录音在限值内的分布"),
    "spread_note": (
        "Each mark is a recording; between the lines is what passes.",
        "每个标记是一条录音；两线之间为合格。",
    ),
    "trends": ("Trends", "趋势"),
    "trends_note": (
        "The mean of the set in its last {runs} runs, and how sure it is (95 %).",
        "最近 {runs} 次运行的平均值及其置信区间（95 %）。",
    ),
    "first_run": (
        "This is the first run of this set: the next will show what changes.",
        "这是该集合的首次运行，下次起可看出变化。",
    ),
    "bad_share": ("bad recordings", "不合格录音"),
    "from_to": ("{before} → {now}", "{before} → {now}"),
    "moved": ("moved", "有变化"),
    "set": ("All recordings", "全部录音"),
    "text": ("Text", "文本"),
    "heard": ("What is heard", "听感"),
    "play": ("Play", "播放"),
    "not_embedded": ("opened from its folder", "从文件夹打开"),
    "blind_title": ("Which is better?", "哪个更好？"),
    "blind_note": (
        "Both are at one loudness, in an order drawn by lot. Listen, switch as often as you like, then choose: "
        "it says which is which.",
        "两者响度一致，顺序随机。可随时切换；选择之后才揭晓。",
    ),
    "recording": ("Recording {number}", "录音 {number}"),
    "better": ("{number} is better", "{number} 更好"),
    "no_difference": ("no difference", "没有差别"),
    "is": ("{number} is", "{number} 是"),
    "made_louder": ("{gain} dB", "{gain} dB"),
    "pair": ("Pair {number} of {all}", "第 {number} 组，共 {all} 组"),
    "tally": ("What you chose", "选择结果"),
    "no_preference": ("no difference", "没有差别"),
    "chance": (
        "So clear a preference comes by chance with a probability of",
        "若无差别，出现如此明显偏好的概率为",
    ),
    "unjudged": ("Not all pairs are judged yet.", "尚未全部判断。"),
    "level_note": ("Keys: 1 and 2 play, space pauses.", "按键：1、2 播放，空格暂停。"),
}

# Of each measure: its name, and what a person hears where it is too low and too high; in Chinese, for the English comes
# with the verdict.
MEASURES: Dict[str, Tuple[str, str, str, str]] = {
    "format": ("file format", "文件格式", "", ""),
    "speech_s": ("speech, s", "语音时长（秒）", "没有人声（语音 {value} 秒）", ""),
    "pace_percent": (
        "speech for its text, %",
        "语音与文本之比（%）",
        "语音缺失或过快：为文本所需的 {value} %，应为 {low} 至 {high}",
        "语音过多或过慢：为文本所需的 {value} %，应为 {low} 至 {high}",
    ),
    "syllables_per_s": (
        "syllables a second",
        "每秒音节数",
        "每秒 {value} 个音节，应为 {low} 至 {high}：过慢，或多说了内容",
        "每秒 {value} 个音节，应为 {low} 至 {high}：过快，或没有说完",
    ),
    "longest_gap_s": ("longest gap, s", "最长停顿（秒）", "", "中间有 {value} 秒静音"),
    "trailing_silence_s": ("silence at the end, s", "结尾静音（秒）", "", "结尾有 {value} 秒静音"),
    "start_level_db": ("level at the start, dB", "开头电平（dB）", "", "开头突兀：前 30 毫秒为最响处的 {value} dB"),
    "end_level_db": ("level at the end, dB", "结尾电平（dB）", "", "被截断：最后 30 毫秒仍为最响处的 {value} dB"),
    "level_db": ("level, dBFS", "电平（dBFS）", "过轻：{value} dBFS", "过响：{value} dBFS"),
    "peak_db": ("peak, dBFS", "峰值（dBFS）", "", "达到满幅：{value} dBFS"),
    "flat_top_share": ("clipped share", "削波比例", "", "削波：{value} 的样本被削平"),
    "noise_floor_db": ("noise floor, dB", "底噪（dB）", "", "噪声：最安静处为响处的 {value} dB，至多 {high}"),
    "high_band_db": (
        "3 to 8 kHz, dB",
        "3–8 kHz（dB）",
        "发闷：3–8 kHz 为 {value} dB，至少 {low}",
        "刺耳：3–8 kHz 为 {value} dB，至多 {high}",
    ),
    "offset": ("offset (DC)", "直流偏移", "", "波形偏离零点 {value}（直流）"),
    "distinct_bits": ("bits in use", "有效位数", "粗糙：样本只有 {value} 位", ""),
    "holes_per_s": ("holes a second", "每秒空洞", "", "每秒 {value} 个空洞，如丢包"),
    "jump": ("jump", "跳变", "", "爆音：波形跳变为周围的 {value} 倍"),
    "longest_copy_s": ("longest copy, s", "最长重复（秒）", "", "{value} 秒被播放两次"),
    "side_difference_db": ("difference of sides, dB", "声道差（dB）", "", "一侧比另一侧轻 {value} dB"),
    "f0_median_hz": (
        "pitch, Hz",
        "音高（Hz）",
        "声音过低：{value} Hz，应为 {low} 至 {high}",
        "声音过高：{value} Hz，应为 {low} 至 {high}",
    ),
    "f0_range_st": (
        "pitch range, semitones",
        "音域（半音）",
        "单调：音域仅 {value} 个半音",
        "音高跳动：音域达 {value} 个半音",
    ),
    "f0_drift_st": (
        "pitch drift, semitones",
        "音高漂移（半音）",
        "音高从头到尾下降 {value} 个半音",
        "音高从头到尾上升 {value} 个半音",
    ),
    "timbre": ("timbre, deviations", "音色偏差", "", "像另一个人，或另一种声音：偏差 {value}，至多 {high}"),
    "distance": ("distance to golden", "与参考的距离", "", "与参考声音不同：距离 {value}，至多 {high}"),
    "worst_distance": ("worst distance", "最大距离", "", "某处声音不同：0.1 秒内距离 {value}，至多 {high}"),
    "worst_movement": ("worst movement", "最大动态差", "", "某处内容不同：0.3 秒内动态差 {value}，至多 {high}"),
    "backwards": ("backwards", "倒放", "", "某处被倒放：倒放时更近 {value}"),
    "longest_run_s": ("missing or too much, s", "缺失或多余（秒）", "", "与参考相比缺失或多出 {value} 秒"),
    "timbre_distance": ("distance in timbre", "音色距离", "", "与参考音色不同：{value}，至多 {high}"),
    "hiss_db": ("noise against golden, dB", "相对底噪（dB）", "", "参考静音处多出 {value} dB"),
    "level_difference_db": ("level against golden, dB", "响度起伏差（dB）", "", "响度起伏与参考不同：{value} dB"),
    "length_percent": ("length against golden, %", "时长差（%）", "比参考短 {value} %", "比参考长 {value} %"),
    "pitch_shift_st": (
        "pitch against golden, semitones",
        "音高差（半音）",
        "比参考低 {value} 个半音",
        "比参考高 {value} 个半音",
    ),
    "pitch_deviation_st": (
        "melody against golden, semitones",
        "旋律差（半音）",
        "",
        "旋律与参考不同：差 {value} 个半音",
    ),
    "pitch_drift_st": (
        "drift against golden, semitones",
        "相对漂移（半音）",
        "音高相对参考下漂 {value} 个半音",
        "音高相对参考上漂 {value} 个半音",
    ),
    "mos_overall": ("opinion of all (DNSMOS)", "总体评分（DNSMOS）", "总体评分降至 {value}，至少 {low}", ""),
    "mos_signal": ("opinion of the speech (DNSMOS)", "语音评分（DNSMOS）", "语音评分降至 {value}，至少 {low}", ""),
    "mos_background": (
        "opinion of the background (DNSMOS)",
        "背景评分（DNSMOS）",
        "背景评分降至 {value}，至少 {low}",
        "",
    ),
    "mos_p808": ("opinion of all (P.808)", "总体评分（P.808）", "总体评分降至 {value}，至少 {low}", ""),
    "speaker_consistency": ("one speaker (cosine)", "说话人一致性（余弦）", "说话人一致性降至 {value}，至少 {low}", ""),
    "speaker_likeness": (
        "speaker as before (cosine)",
        "与以前说话人的相似度",
        "与以前说话人的相似度降至 {value}，至少 {low}",
        "",
    ),
    "word_errors": ("words not recognised", "识别错误率", "", "识别错误率升至 {value}，至多 {high}"),
}

# How the verdict on a file itself begins.
BEGINNINGS = {"no recording: ": "没有录音：", "the file is no correct WAV: ": "不是正确的 WAV："}


def say(key: str, **values: Value) -> Both:
    """Say something of the table in both languages."""
    languages = zip(WORDS[key], ({name: of(value, place) for name, value in values.items()} for place in (0, 1)))
    return Both(*(words.format(**filled) for words, filled in languages))


def measure(name: str) -> Both:
    """Name a measure; one of a newer version as it is."""
    known = MEASURES.get(name)
    return Both(known[0], known[1]) if known else Both(name, name)


def fault(name: str, english: str, value: Optional[float], low: Optional[float], high: Optional[float]) -> Both:
    """Say in both languages what a person hears.

    >>> fault("longest_gap_s", "0.90 s of silence in the middle", 0.9, None, 0.6).zh
    '中间有 0.9 秒静音'
    """
    known = MEASURES.get(name)
    if not known or value is None:
        return Both(english, _begun(english))
    words = known[2] if low is not None and value < low else known[3]
    numbers = {"value": number(value), "low": number(low), "high": number(high)}
    return Both(english, words.format(**numbers) or english)


def _begun(english: str) -> str:
    """Say what is wrong with a file; why is in the words of whoever read it."""
    begins = next((words for words in BEGINNINGS if english.startswith(words)), "")
    return BEGINNINGS.get(begins, "") + english[len(begins) :]


def number(value: Optional[float]) -> str:
    """Write a number for people, three digits of it.

    >>> number(0.61234), number(12345.6), number(None), number(-23.0)
    ('0.612', '12346', '–', '-23')
    """
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
