//! The page's modules, joined: the same code once, after what it needs, and nothing that the joiner does not understand.

#[path = "../build/bundle.rs"]
mod bundle;

use bundle::bundle;

fn joined(files: &[(&str, &str)]) -> Result<String, String> {
    let read = |path: &str| {
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| format!("{path}: not there"))
    };
    bundle("app.js", &read).map(|bundle| bundle.text)
}

#[test]
fn a_module_runs_once_before_those_that_import_it() {
    let files = [
        ("app.js", "import { b as other } from './views/b.js';\nimport { c } from './lib/c.js';\nother(c);\n"),
        ("views/b.js", "import { c } from '../lib/c.js';\nexport function b() {\n  return c;\n}\n"),
        ("lib/c.js", "export const c = 1;\n"),
    ];
    let text = joined(&files).unwrap();
    assert_eq!(
        text,
        "const $lib_c_js = (() => {\nconst c = 1;\nreturn {c};\n})();\n\
         const $views_b_js = (() => {\nconst {c} = $lib_c_js;\nfunction b() {\nreturn c;\n}\nreturn {b};\n})();\n\
         const $app_js = (() => {\nconst {b: other} = $views_b_js;\nconst {c} = $lib_c_js;\nother(c);\nreturn {};\n})();\n"
    );
}

#[test]
fn libraries_stay_files_and_comments_go() {
    let files = [(
        "app.js",
        "// what this is\nimport * as p from './vendor/p/p.js';\n/** @type {any}\n * more */\nexport const { a, b } = /** @type {any} */ (p);\n",
    )];
    let text = joined(&files).unwrap();
    assert_eq!(
        text,
        "import * as p from './vendor/p/p.js';\nconst $app_js = (() => {\nconst { a, b } =  (p);\nreturn {a, b};\n})();\n"
    );
}

#[test]
fn what_is_not_understood_is_an_error() {
    for (line, said) in [
        ("import './x.js';\n", "app.js: cannot join `import './x.js';`"),
        ("import {\n  a,\n} from './x.js';\n", "app.js: cannot join `import {`"),
        ("import { a } from 'x';\n", "app.js: cannot join `import { a } from 'x';`"),
        ("import { a } from '../x.js';\n", "app.js: cannot join `import { a } from '../x.js';`"),
        ("import a from './x.js';\n", "app.js: cannot join `import a from './x.js';`"),
        ("export default 1;\n", "app.js: cannot join `export default 1;`"),
        ("export { a };\n", "app.js: cannot join `export { a };`"),
        ("export let a = 1;\n", "app.js: cannot join `export let a = 1;`"),
        ("/** open\n", "app.js: a comment does not end"),
        ("import { a } from './gone.js';\n", "gone.js: not there"),
        ("import { a } from './app.js';\n", "app.js: imports itself"),
    ] {
        let error = joined(&[("app.js", line)]).unwrap_err();
        assert!(error.starts_with(said), "{line:?}: {error}");
    }
}

#[test]
fn the_page_itself_can_be_joined() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let read = |path: &str| std::fs::read_to_string(page.join(path)).map_err(|error| format!("{path}: {error}"));
    let bundle = bundle("app.js", &read).unwrap();
    assert!(bundle.parts.contains("lib/store.js") && !bundle.parts.iter().any(|path| path.starts_with("vendor")));
    for line in bundle.text.lines() {
        assert!(!line.starts_with("export ") && !line.starts_with("//"), "{line}");
        assert!(!line.starts_with("import ") || line.ends_with(".js';") && line.contains("./vendor/"), "{line}");
    }
}
