//! Data files that real numpys write, and what happens to them.

use report::Severity;

use super::{fails_with, python, with_numpy};
use crate::harness::{Environment, Sandbox, sandbox};

fn project(sandbox: &Sandbox, numpy: &str) -> Environment {
    sandbox.offer_uv();
    let venv = with_numpy(sandbox, "3.11", ".venv", numpy);
    sandbox.activate(&venv);
    fs_err::create_dir_all(sandbox.project().join("data")).unwrap();
    venv
}

#[test]
fn arrays_of_objects_are_refused() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "2.2.6");
        let write = "import numpy as np; np.savez('data/plain.npz', x=np.arange(3))\n\
                     np.savez('data/lists.npz', x=np.array([[1], [2, 3]], dtype=object))";
        python(sandbox, &venv, write);
        let load = "import numpy as np; np.load('data/lists.npz')['x']";
        fails_with(sandbox, &venv, load, "Object arrays cannot be loaded when allow_pickle=False");
        sandbox
            .doctor()
            .silent()
            .severity("DAT002", Severity::Info)
            .message_contains("DAT002", "data/lists.npz holds Python objects")
            .evidence_contains("DAT002", "shape [2]");
    });
}

#[test]
fn a_pickle_that_starts_a_program() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "2.2.6");
        let write = "import pickle, os\n\
                     class X:\n    def __reduce__(self): return os.system, ('true',)\n\
                     for n in ('data/model.pkl', 'data/fine.pkl'):\n    \
                     pickle.dump(X() if 'model' in n else {'a': 1}, open(n, 'wb'))";
        python(sandbox, &venv, write);
        sandbox
            .doctor()
            .only(&["DAT003"])
            .severity("DAT003", Severity::Warning)
            .message_contains("DAT003", "data/model.pkl calls or imports");
    });
}

#[test]
fn archives_that_lie_and_archives_that_were_cut() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "2.2.6");
        let write = "import io, numpy as np, zipfile\n\
                     np.savez('data/whole.npz', x=np.arange(1000.0))\n\
                     b = open('data/whole.npz', 'rb').read(); open('data/cut.npz', 'wb').write(b[:4000])\n\
                     m = io.BytesIO(); np.save(m, np.arange(3))\n\
                     zipfile.ZipFile('data/out.npz', 'w').writestr('../../x.npy', m.getvalue())";
        python(sandbox, &venv, write);
        let load = "import numpy as np; np.load('data/cut.npz')";
        fails_with(sandbox, &venv, load, "File is not a zip file");
        sandbox
            .doctor()
            .only(&["DAT004", "DAT005"])
            .message_contains("DAT004", "data/out.npz")
            .message_contains("DAT005", "data/cut.npz is damaged");
        let again = "import os, numpy as np; os.remove('data/out.npz')\n\
                     np.savez('data/cut.npz', x=np.arange(1000.0))";
        python(sandbox, &venv, again);
        sandbox.doctor().silent().gone("DAT004").gone("DAT005");
    });
}

#[test]
fn text_of_numpy_2_in_the_hands_of_numpy_1() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "1.26.4");
        let writer = with_numpy(sandbox, "3.11", "../elsewhere", "2.2.6");
        let write = "import numpy as np\n\
                     np.save('data/words.npy', np.array(['a', 'b'], dtype=np.dtypes.StringDType()))";
        python(sandbox, &writer, write);
        let load = "import numpy as np; np.load('data/words.npy', allow_pickle=True)";
        fails_with(sandbox, &venv, load, "Error");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["DAT006"]).message_contains("DAT006", "StringDType");
        diagnosis.apply_fix("DAT006").gone("DAT006").silent();
        python(sandbox, &venv, load);
    });
}

#[test]
fn pickles_between_two_numpys() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "1.26.4");
        with_numpy(sandbox, "3.11", "new", "2.2.6");
        let source = "import pickle\nimport subprocess\n\n\
                      result = subprocess.run(['new/bin/python', 'write.py'], stdout=subprocess.PIPE)\n\
                      print(pickle.loads(result.stdout))\n";
        sandbox.write("read.py", source);
        let write = "import pickle, sys\nimport numpy as np\n\
                     sys.stdout.buffer.write(pickle.dumps(np.arange(3.0), 5))\n";
        sandbox.write("write.py", write);
        fails_with(sandbox, &venv, source, "No module named 'numpy._core.numeric'");
        let diagnosis = sandbox.doctor();
        diagnosis
            .severity("DAT007", Severity::Warning)
            .message_contains("DAT007", "read.py:5 unpickles what another process has written")
            .evidence_contains("DAT007", "pickle.loads(result.stdout)");
        // The cure, in both sources.
        let write =
            "import sys\nimport numpy as np\nnp.savez(sys.stdout.buffer, x=np.arange(3.0))\n";
        sandbox.write("write.py", write);
        let source = source
            .replace("import pickle", "import io\nimport numpy as np")
            .replace("pickle.loads(result.stdout)", "np.load(io.BytesIO(result.stdout))['x']");
        sandbox.write("read.py", &source);
        sandbox.doctor().gone("DAT007");
        python(sandbox, &venv, &source);
    });
}

#[test]
fn a_pointer_where_the_data_should_be() {
    sandbox(|sandbox| {
        let venv = project(sandbox, "2.2.6");
        let pointer = "version https://git-lfs.github.com/spec/v1\n\
                       oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n\
                       size 12345\n";
        sandbox.write("data/weights.npz", pointer);
        let load = "import numpy as np; np.load('data/weights.npz')";
        fails_with(sandbox, &venv, load, "This file contains pickled (object) data");
        let load = "import pickle; pickle.load(open('data/weights.npz', 'rb'))";
        fails_with(sandbox, &venv, load, "invalid load key, 'v'.");
        sandbox
            .doctor()
            .only(&["DAT008"])
            .message_contains("DAT008", "data/weights.npz is a pointer of git-lfs");
        python(sandbox, &venv, "import numpy as np; np.savez('data/weights.npz', x=np.arange(3))");
        sandbox.doctor().silent().gone("DAT008");
    });
}
