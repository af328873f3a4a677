//! What can be wrong with an expression.

/// What can be wrong with an expression. The text of each variant is written for the author of a stream definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The text is not an SQL expression.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// A column that is not there.
    #[error("column `{column}` does not exist")]
    UnknownColumn {
        /// As written.
        column: String,
        /// The nearest name, or the names there are.
        suggestion: String,
    },
    /// A function that is not there.
    #[error("function `{function}` does not exist")]
    UnknownFunction {
        /// As written.
        function: String,
        /// The nearest name.
        suggestion: String,
    },
    /// The expression has the wrong type, or its operands do not go together.
    #[error("{message}")]
    Type {
        /// What is expected and what was found.
        message: String,
    },
    /// `now()`, `random()` and the like, which would give another answer on a replay.
    #[error("`{function}` gives another answer each time, so a replay would differ")]
    NotDeterministic {
        /// As written.
        function: String,
    },
    /// An evaluation failed for a whole batch, which is a defect of the definition and not of a row.
    #[error("{message}")]
    Evaluate {
        /// What the kernel says.
        message: String,
    },
}

impl ExprError {
    /// What would mend it, where that is known: the nearest name, or the names there are.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            ExprError::UnknownColumn { suggestion, .. } | ExprError::UnknownFunction { suggestion, .. } => {
                Some(suggestion)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_comes_with_what_would_mend_it() {
        let column = ExprError::UnknownColumn { column: "prise".into(), suggestion: "did you mean `price`?".into() };
        assert_eq!(column.suggestion(), Some("did you mean `price`?"));
        assert_eq!(ExprError::Syntax { message: "an operator is missing".into() }.suggestion(), None);
    }
}
