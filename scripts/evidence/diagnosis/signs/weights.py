"""Signs of weights and other files of a model: missing, half, of another kind."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

FETCH = "Name the files in `models:` of pipeline.yml, so that they are fetched and verified before the start."
AGAIN = "Fetch it again; as an entry of `models:` in pipeline.yml its size and sha256 are verified before the start."
FILES = (
    r"[^'\"\s]*\.(pth|pt|bin|ckpt|safetensors|onnx|gguf|tflite|model|yaml|yml|json|npz|npy|fst|far|txt|vocab|engine)"
    r"(?!\w)"
)

SIGNS = (
    sign(
        k.DIGEST,
        r"Hash mismatch|DO NOT MATCH THE HASHES",
        "a package is not the one that was locked: its hash differs",
        "软件包的哈希与锁文件不符",
        "If you trust the new file, lock anew: nox -s lock.",
    ),
    sign(
        k.DIGEST,
        r"((?P<file>[\w./-]+): )?expected (?P<wanted>\d+ bytes)( with sha256 (?P<sha>\w{1,12})\w*)?"
        r", got (?P<got>\d+ bytes)( with sha256 (?P<sha2>\w{1,12})\w*)?",
        "the weights are not those of the manifest⟦ ({file})⟧: {wanted}⟦ of sha256 {sha}...⟧ expected, {got}"
        "⟦ of sha256 {sha2}...⟧ came",
        "模型权重与清单不符⟦（{file}）⟧：应为 {wanted}⟦，sha256 {sha}...⟧，实为 {got}⟦，sha256 {sha2}...⟧",
        "Is it the right source? Then correct size and sha256 in `models:` of pipeline.yml.",
    ),
    sign(
        k.DIGEST,
        r"(checksum|digest|sha256|hash)( does not match| mismatch|sum mismatch)|Consistency check failed",
        "a file has another digest than expected",
        "文件校验值不符",
        AGAIN,
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"Weights only load failed",
        "torch refuses the weights file (Weights only load failed): damaged, or of an older kind",
        "torch 拒绝加载权重（Weights only load failed）：文件损坏或格式过旧",
        f"{AGAIN} Where it is trusted: torch.load(..., weights_only=False).",
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"Cannot use ``?weights_only=True``? with files saved in the legacy",
        "torch refuses the weights file (weights_only=True): it is of an old form, or damaged",
        "torch 拒绝加载权重（weights_only=True）：文件格式过旧或已损坏",
        f"{AGAIN} Where it is trusted: torch.load(..., weights_only=False).",
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"invalid load key, '(?P<key><|v)'",
        "a weights file is none: it begins with {key} (a web page, or the pointer of git-lfs)",
        "权重文件不是真正的权重：以 {key} 开头（网页，或 git-lfs 指针）",
        AGAIN,
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"PytorchStreamReader failed|failed finding central directory|unexpected EOF, expected \d+ more bytes"
        r"|Error while deserializing header|HeaderTooLarge|HeaderTooSmall|InvalidHeader|MetadataIncompleteBuffer"
        r"|UnpicklingError|invalid load key|corrupted|Unexpected end of file|INVALID_PROTOBUF|Protobuf parsing failed"
        r"|file is not a zip|BadZipFile|not a ZIP archive|Could not open '[^']*'.*tflite|EOFError: Ran out of input"
        r"|Not a gzipped file|could not parse ModelProto|model_proto->ParseFromArray"
        r"|Unable to open file \(truncated file|git-lfs\.github\.com/spec",
        "a weights file is damaged, or came only by half",
        "权重文件损坏或未下载完整",
        AGAIN,
        alarming=False,
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"(Error\(s\) in loading state_dict for|loading state_dict for) (?P<model>\w+)",
        "the weights do not fit the code: {model} has other parameters",
        "权重与代码不匹配：{model} 的参数不同",
        "Take weights and code (and config.yaml) of the same version.",
    ),
    sign(
        k.WEIGHTS_WRONG,
        r"(size mismatch for (?P<name>[\w.]+)|(Missing|Unexpected) key\(s\) in state_dict)",
        "the weights do not fit the code⟦: {name} has another size⟧",
        "权重与代码不匹配⟦：{name} 的尺寸不同⟧",
        "Take weights and code (and config.yaml) of the same version.",
        alarming=False,
    ),
    sign(
        k.WEIGHTS_MISSING,
        r"(Required file |缺少必要(的)?文件:? ?)(?P<file>[^\s。]+)( does not exist)?"
        r"|(Config|Model|Weights?|Checkpoint) file (is )?(not found|missing)(: ?| at )(?P<file2>\S+)"
        r"|no file named (?P<file3>[\w., -]+?) found in"
        rf"|(?P<file4>{FILES})['\"]? (is )?(not found|missing|does not exist)",
        "a file of the model is missing: ⟦{file}⟧⟦{file2}⟧⟦{file3}⟧⟦{file4}⟧",
        "缺少模型文件：⟦{file}⟧⟦{file2}⟧⟦{file3}⟧⟦{file4}⟧",
        FETCH,
    ),
    sign(
        k.WEIGHTS_MISSING,
        r"(model|checkpoints?|weights?)( dir(ectory)?| folder| path) ['\"]?(?P<folder>[^\s'\"]+)['\"]? "
        r"(does not|doesn't) exist|模型(目录|文件夹|路径) ?['\"]?(?P<folder2>[^\s'\"]+?)['\"]? ?不存在"
        r"|(?P<folder3>[\w./-]*checkpoints?[\w./-]*)['\"]? (does not|doesn't) exist"
        # What was to be a folder is taken for a name at the hub where it is not there.
        r"|(Repo id must|Incorrect path_or_model_id)[^\n]*?: '(?P<folder4>[./~\\][^']*)'"
        r"|assets are missing from (?P<folder5>\S+)",
        "the folder of the model is missing: ⟦{folder}⟧⟦{folder2}⟧⟦{folder3}⟧⟦{folder4}⟧⟦{folder5}⟧",
        "缺少模型目录：⟦{folder}⟧⟦{folder2}⟧⟦{folder3}⟧⟦{folder4}⟧⟦{folder5}⟧",
        f"Correct its path in service.command ({{models}} is where `models:` puts the weights). {FETCH}",
    ),
    sign(
        k.WEIGHTS_MISSING,
        rf"(No such file or directory|Not found|not found|does not exist|NO_SUCHFILE|cannot open|failed to open"
        rf"|Load model from)"
        rf"[^\n]*?['\"]?(?P<file>(?<![\w/]){FILES})",
        "a file of the model is missing: {file}",
        "缺少模型文件：{file}",
        FETCH,
        alarming=False,
    ),
    sign(
        k.WEIGHTS_MISSING,
        r"Resource (?P<name>\w+) not found\.",
        "data of NLTK is missing: {name}",
        "缺少 NLTK 数据：{name}",
        "Fetch it before, in service.prepare (nltk.download), or as `models:` with NLTK_DATA in service.environment.",
        alarming=False,
    ),
    sign(
        k.WEIGHTS_MISSING,
        r"model files are not ready|No such file or directory: '(?P<file>[^']*(checkpoint|model|weight"
        r"|pretrained)[^']*)'",
        "files of the model are missing⟦: {file}⟧",
        "缺少模型文件⟦：{file}⟧",
        FETCH,
        alarming=False,
    ),
)
