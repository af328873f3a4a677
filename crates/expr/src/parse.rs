//! From text to a syntax tree of one expression over one row, refusing what is more than that.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::{
    ast::{
        Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Value, ValueWithSpan, Visit, Visitor,
    },
    dialect::GenericDialect,
    parser::{Parser, ParserError},
    tokenizer::{Token, Tokenizer},
};
use suggest::{IN_COLUMNS, nearest};

use crate::{ExprError, registry};

/// Bytes of one expression.
const SQL_BYTES_MAX: usize = 64 << 10;

/// Names and operators of one expression; values and the commas between them are not counted, so that lists may be long.
const TOKENS_MAX: usize = 1024;

/// How deep parentheses, function calls and `CASE` may be nested. The parser needs some 90 KiB of stack a level where
/// it is not optimised, and a thread of Rust's has 2 MiB.
const NESTING_MAX: usize = 16;

/// Nodes along one branch of the tree, as in `a + b + c`. The planner needs some 12 KiB of stack for each.
const BRANCH_MAX: usize = 64;

/// Names of SQL's aggregates, to tell them from a slip of the pen.
const AGGREGATES: [&str; 22] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "max",
    "mean",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
];

/// Names of SQL's window functions.
const WINDOW_FUNCTIONS: [&str; 11] = [
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Parses `sql`, the whole of which must be one scalar expression of functions that exist and are deterministic.
///
/// # Errors
/// `Syntax`, `UnknownFunction` or `NotDeterministic`.
pub(crate) fn parse(sql: &str) -> Result<Expr, ExprError> {
    parse_with(sql, &[])
}

/// The same, where the aggregates called `aggregates` are possible too.
pub(crate) fn parse_with(sql: &str, aggregates: &'static [&'static str]) -> Result<Expr, ExprError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(syntax(format!("the expression has {} bytes; at most {SQL_BYTES_MAX} are possible", sql.len())));
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| explain(error.into()))?;
    let count = tokens.iter().filter(|token| is_counted(&token.token)).count();
    if count > TOKENS_MAX {
        let message = format!("the expression has {count} names and operators; name its parts as columns");
        return Err(syntax(message));
    }
    let mut parser = Parser::new(&dialect).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let expression = parser.parse_expr().map_err(explain)?;
    let rest = parser.peek_token();
    match rest.token {
        Token::EOF => {}
        Token::Comma | Token::SemiColon => {
            return Err(syntax(format!("one expression was expected, but `{rest}` begins another")));
        }
        _ => return Err(syntax(format!("the expression ends before `{rest}`; is an operator missing?"))),
    }
    match expression.visit(&mut Refusals { depth: 0, aggregates }) {
        ControlFlow::Continue(()) => Ok(expression),
        ControlFlow::Break(error) => Err(*error),
    }
}

fn is_counted(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_))
}

fn syntax(message: impl Into<String>) -> ExprError {
    ExprError::Syntax { message: message.into() }
}

fn explain(error: ParserError) -> ExprError {
    match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => syntax(lower_first(&message)),
        ParserError::RecursionLimitExceeded => syntax("the expression is nested too deeply; name its parts as columns"),
    }
}

/// The text with its first letter in lower case, unless it begins with an abbreviation.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// Walks the tree and stops at the first thing that has no place in it.
struct Refusals {
    depth: usize,
    /// Names of the aggregates that are possible.
    aggregates: &'static [&'static str],
}

impl Visitor for Refusals {
    type Break = Box<ExprError>;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Self::Break> {
        ControlFlow::Break(Box::new(syntax("an expression sees one row and no table, so it cannot hold a subquery")))
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Self::Break> {
        self.depth += 1;
        if self.depth > BRANCH_MAX {
            let message =
                format!("the expression has more than {BRANCH_MAX} operators in a row; name parts of it as columns");
            return ControlFlow::Break(Box::new(syntax(message)));
        }
        match expression {
            Expr::Function(function) => check_function(function, self.aggregates),
            Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) => {
                ControlFlow::Break(Box::new(syntax(format!("`{name}` stands for a parameter, and there are none"))))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _expression: &Expr) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// A function's name in lower case, without quotes.
pub(crate) fn function_name(function: &Function) -> String {
    function.name.to_string().trim_matches(['"', '`']).to_lowercase()
}

fn check_function(function: &Function, aggregates: &[&'static str]) -> ControlFlow<Box<ExprError>> {
    let written = function.name.to_string();
    let name = function_name(function);
    if function.over.is_none() && aggregates.contains(&name.as_str()) {
        return ControlFlow::Continue(());
    }
    let error = if function.over.is_some() || WINDOW_FUNCTIONS.contains(&name.as_str()) {
        syntax(format!("`{written}` is a window function, but an expression sees one row"))
    } else {
        match registry::function(&name) {
            Some(_) if has_wildcard(function) => {
                syntax(format!("`*` stands for all columns, but `{written}` takes values"))
            }
            Some(known) if registry::is_deterministic(known) => return ControlFlow::Continue(()),
            Some(_) => ExprError::NotDeterministic { function: written },
            None if !aggregates.is_empty() && AGGREGATES.contains(&name.as_str()) => {
                syntax(format!("`{written}` is not an aggregate of a window; there are {}", aggregates.join(", ")))
            }
            None if AGGREGATES.contains(&name.as_str()) => {
                syntax(format!("`{written}` is an aggregate over many rows, but an expression sees one row"))
            }
            None => ExprError::UnknownFunction {
                suggestion: match nearest(
                    &name,
                    registry::function_names().chain(aggregates.iter().copied()),
                    IN_COLUMNS,
                ) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "no function has a similar name".to_owned(),
                },
                function: written,
            },
        }
    };
    ControlFlow::Break(Box::new(error))
}

fn has_wildcard(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.args.iter().any(|argument| match argument {
        FunctionArg::Unnamed(value)
        | FunctionArg::Named { arg: value, .. }
        | FunctionArg::ExprNamed { arg: value, .. } => !matches!(value, FunctionArgExpr::Expr(_)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(sql: &str) -> String {
        parse(sql).map(|_| ()).map_err(|error| error.to_string()).err().unwrap_or_default()
    }

    #[test]
    fn an_expression_has_bounds_to_its_length() {
        let of_bytes = |bytes: usize| format!("'{}'", "x".repeat(bytes - 2));
        assert_eq!(error(&of_bytes(SQL_BYTES_MAX)), "");
        assert!(error(&of_bytes(SQL_BYTES_MAX + 1)).contains("has 65537 bytes; at most 65536"));
        let of_tokens = |tokens: usize| format!("a in ({}0)", "-1, ".repeat(tokens - 4));
        assert_eq!(error(&of_tokens(TOKENS_MAX)), "", "numbers, commas and spaces do not count");
        assert!(error(&of_tokens(TOKENS_MAX + 1)).contains("has 1025 names and operators"));
        let of_operators = |operators: usize| format!("a{}", " + a".repeat(operators));
        assert_eq!(error(&of_operators(BRANCH_MAX - 1)), "");
        assert!(error(&of_operators(BRANCH_MAX)).contains("more than 64 operators in a row"));
    }

    #[test]
    fn an_aggregate_that_windows_do_not_have_is_said_so() {
        let of_window = parse_with("array_agg(a)", &["sum", "avg"]).unwrap_err().to_string();
        assert!(of_window.contains("not an aggregate of a window; there are sum, avg"), "{of_window}");
        assert!(error("array_agg(a)").contains("an aggregate over many rows"), "{}", error("array_agg(a)"));
        assert!(parse_with("sum(a)", &["sum"]).is_ok());
        let unknown = parse_with("abss(a)", &["sum"]).unwrap_err().to_string();
        assert!(unknown.contains("`abss` does not exist"), "{unknown}");
    }

    #[test]
    fn a_sentence_begins_in_lower_case_unless_with_an_abbreviation() {
        let texts = ["Column a", "SQL error", "a", "A", "already", "1 a", ""];
        assert_eq!(texts.map(lower_first), ["column a", "SQL error", "a", "A", "already", "1 a", ""]);
    }
}
