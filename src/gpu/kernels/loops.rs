//! What pipelines.rs relies on: that every loop of every shader counts a variable of its own towards a bound, and ends.

use super::Family;
use super::tests::FAMILIES;
use naga::{Block, Statement};

/// The loops of a block and of all blocks within it, as naga has read them.
fn loops(block: &Block) -> usize {
    let within = |statement: &Statement| match statement {
        Statement::Block(block) => loops(block),
        Statement::If { accept, reject, .. } => loops(accept) + loops(reject),
        Statement::Switch { cases, .. } => cases.iter().map(|case| loops(&case.body)).sum(),
        Statement::Loop { body, continuing, .. } => 1 + loops(body) + loops(continuing),
        _ => 0,
    };
    block.iter().map(within).sum()
}

/// Words, and whatever else stands there sign by sign, of some lines.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (token, after) = rest.split_at(word.max(first.len_utf8()));
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// Whether a variable may be another one after these tokens: assigned to, counted or pointed at.
fn touches(tokens: &[&str], name: &str) -> bool {
    (0..tokens.len()).filter(|&at| tokens[at] == name).any(|at| {
        let before = at.checked_sub(1).map_or("", |at| tokens[at]);
        let after = |number: usize| tokens.get(at + number).copied().unwrap_or("");
        let assigned = after(1) == "=" && after(2) != "=";
        let changed =
            "+-*/%&|^".contains(after(1)) && !after(1).is_empty() && (after(2) == "=" || after(2) == after(1));
        // A member, or a variable of this name that begins here, is another one; `a && b` points at nothing.
        let another = [".", "let", "var"].contains(&before);
        let pointed = before == "&" && at.checked_sub(2).is_none_or(|at| tokens[at] != "&");
        let logical = ["&", "|"].contains(&after(1)) && after(2) == after(1);
        !another && (assigned || (changed && !logical) || pointed)
    })
}

/// What loops count up by, which is at least 1; else by one.
const STEPS: [&str; 6] = ["2u", "4u", "8u", "GROUP", "DEPTH", "LANES"];

/// Whether a loop with this header ends, its body leaving its variable and its bound alone.
fn counts(header: &str, body: &[&str]) -> bool {
    let Some((name, rest)) = header.strip_prefix("for (var ").and_then(|header| header.split_once(" = ")) else {
        return false;
    };
    let [_, condition, step] = rest.trim_end_matches(") {").split(';').map(str::trim).collect::<Vec<_>>()[..] else {
        return false;
    };
    let up = step == format!("{name}++") || STEPS.iter().any(|by| step == format!("{name} += {by}"));
    let down = step == format!("{name}--") || step == format!("{name} /= 2u");
    // `elements` of sum_chunks.wgsl is at least 1.
    let bound = condition.split(" && ").any(|part| match tokens(part)[..] {
        [first, "<", ref bound @ ..] => up && first == name && !bound.is_empty() && bound[0] != "=",
        [first, ">", "=", ref bound @ ..] => down && first == name && bound == ["elements"],
        [first, ">", ref bound @ ..] => down && first == name && !bound.is_empty(),
        _ => false,
    });
    // The variable itself is one of them.
    let names = tokens(condition).into_iter().filter(|token| token.starts_with(char::is_alphabetic));
    let touched = |name: &str| body.iter().any(|line| touches(&tokens(line), name));
    bound && !condition.contains("||") && !names.into_iter().any(touched)
}

/// The lines up to the brace that closes the first one's.
fn body<'a>(lines: &'a [&'a str]) -> &'a [&'a str] {
    let mut depth = 1;
    let closes = |line: &&str| {
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        depth <= 0
    };
    &lines[..lines.iter().position(closes).unwrap_or(lines.len())]
}

#[test]
fn every_loop_counts_to_its_end() {
    let mut seen = 0;
    for source in FAMILIES.map(Family::source) {
        let lines: Vec<&str> = source.lines().map(|line| line.split("//").next().unwrap_or("").trim()).collect();
        let headers = (0..lines.len()).filter(|&number| lines[number].starts_with("for ("));
        let endless = |number: &usize| !counts(lines[*number], body(&lines[number + 1..]));
        let (endless, ends): (Vec<usize>, Vec<usize>) = headers.partition(endless);
        let endless: Vec<&str> = endless.into_iter().map(|number| lines[number]).collect();
        assert!(endless.is_empty(), "{endless:?}");
        let module = naga::front::wgsl::parse_str(source).unwrap();
        let functions = module.functions.iter().map(|(_, function)| function);
        let all = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
        assert_eq!(ends.len(), all.map(|function| loops(&function.body)).sum::<usize>(), "loops not seen: {source}");
        seen += ends.len();
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn loops_that_may_not_end_are_told() {
    assert!(counts(
        "for (var i = 0u; i < n; i++) {",
        &["let j = i;", "if (i == 3u && i < 7u) {", "x.i = 4u;", "a[i] += 1u;"]
    ));
    assert!(counts("for (var w = 32u; w >= elements; w /= 2u) {", &[]));
    let endless = [
        "for (var i = 0u; i >= 0u; i++) {",
        "for (var i = 0u; i < 4u || a; i++) {",
        "for (var i = 0u; i <= n; i++) {",
        "for (var i = 9u; j < i; i--) {",
        "for (var i = 0u; i < n; i += step) {",
        "for (var i = 0u; i < n; i += GROUP - GROUP) {",
        "for (var i = 0u; i < n; i += 0u) {",
    ];
    assert!(endless.iter().all(|header| !counts(header, &[])));
    for touched in ["i = 0u;", "{ i -= 1u; }", "i--;", "change(&i);", "i *= 2u;", "n += 1u;"] {
        assert!(!counts("for (var i = 0u; i < n; i++) {", &[touched]), "{touched}");
    }
}
