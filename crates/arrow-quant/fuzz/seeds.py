"""Writes real files for the fuzz targets to start from: `seeds.py DIRECTORY`.

They are small models as numpy saves them, and as safetensors lays them out, and two that pyarrow 26 wrote
as Parquet, which are below, since only numpy is installed for this program; the target for Arrow IPC
starts from nothing.
"""

import base64
import json
import os
import sys
import zlib

import numpy as np

# Bytes in a binary column, plain and without statistics; and lists of numbers, with dictionaries, statistics
# and pages of the second version. Both without compression and without the schema of Arrow.
PARQUET = {
    "bytes": (
    "c-nQ6&1%9x5P&DiHVxvTmswoMAr}`5D%E1?L8!e51rh1VgHX11TLpj8BvynXr7zG+&wZvoQYX>05z;U_lbxAwc4p"
    "bZ^=$(IJ@l%`=*LFe1pt#4GYrxyR`(Pc;V38N1k&&Aid2WBljkF@f|Z;C7U{?H=H5_rh{Gy6hiO(J){bTF>;7kvi"
    "PsjC>~K8MbA=9Iv22zKGqusd-9pWE8G3Qe#C^Qh)2B%k?si8H(Z)~XE!u|@<!dz2?zLkNE3w%$jL@V*Vpz}gTrVQ"
    "vOt_*a!NsB|+aR*1Aw_wYccpXV(m+6PoAPZTfl<v2l=hMk?*@tNXP8bNv+Fn^`n)f{jSNsc09XQC?nX++NZTjc;a"
    "k3yU*;cuDj5^q_`+%NPm43@kb#QltKfO1quSW_YbpqqYwtw|;dHt1niuu6dPBsw_bc#0Z)ZRc><8kpRQL"
    ),
    "lists": (
    "c-oaxO-lnY5S^syb}b@Rc0vMs*o&cpiWMq76x55S9>lXCs{~u<m%CN*BI3c5zs8gJGyEyyS)A;4VbLNOk_?%7d2c"
    "3@<HM5{3Jfslk%2V;1^}_!&e6j<)=!<ERwIjtd(dR(ip8s|1QCo?IQbQ-9--ZJ8v6hbwBUeT66Gne7X;o~sDuk;`"
    "@V!`>6B4czj#pL4X7-+I}t`jUOwc5&n=O!;7U0=LF9e`Q+@#?kp<p7e-M?d0{z?u<)s&WJBrZ*Twdp@K8){dayE`"
    "fb{%>l!P{KbZtdW*KTDCL*Xuf;P+~YpXUGA4x>d77JF?@M16R|2Jhcm<q70Qnhq`MZ#AV$Euc6D@NMU&|?@h<}<="
    "5AnS?R<DR6U0-v3S~mdrC*;=Tw~{<4n4cB+@{>Fq-C#nJ4ylSAI!t7}3y26b<HLVlI|f{8LKEcSh5Ea`Vdn*P}(!"
    "kV(7b<fD+n_++3NP2=S1+RnBvrqiuBNhY_^jZM<QWE}18ZSQQibeDRVPxzn@eoSBg8-&ASy#"
    ),
}


def tensors():
    random = np.random.default_rng(1)
    yield {"a": random.standard_normal((4, 8)).astype(np.float32), "b": np.arange(6)}
    yield {"half": random.standard_normal((3, 5)).astype(np.float16), "none": np.zeros((0, 4), "f4")}
    yield {"fortran": np.asfortranarray(random.standard_normal((4, 6)).astype(np.float32))}
    yield {"scalar": np.float32(1.5), "big": np.arange(4, dtype=">f4"), "flag": np.array([True, False])}


def safetensors(model):
    names = {"f4": "F32", "f2": "F16", "i8": "I64", "b1": "BOOL"}
    header, data = {"__metadata__": {"format": "np"}}, b""
    for name, array in model.items():
        array = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        raw = array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def main():
    root = sys.argv[1]
    for target in ("safetensors", "npz", "parquet"):
        os.makedirs(os.path.join(root, target), exist_ok=True)
    for number, model in enumerate(tensors()):
        with open(os.path.join(root, "safetensors", str(number)), "wb") as file:
            file.write(safetensors(model))
        np.savez(os.path.join(root, "npz", f"{number}-stored.npz"), **model)
        np.savez_compressed(os.path.join(root, "npz", f"{number}-deflated.npz"), **model)
    for name, text in PARQUET.items():
        with open(os.path.join(root, "parquet", name), "wb") as file:
            file.write(zlib.decompress(base64.b85decode(text)))


main()
