//! `$filter`: text to expression.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::Fault;
use super::token::{Token, elements, syntax, tokens, value};

/// Parameter aliases (`@p1`) and their text.
pub(crate) type Aliases = BTreeMap<String, String>;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// One holds.
    Or(Box<Condition>, Box<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two operands compare so.
    Compare(Operand, Comparison, Operand),
    /// A text has such a part.
    Part(Operand, Part, Operand),
    /// A property has one of these values.
    Among(Vec<String>, Vec<Value>),
    /// A property alone, which must be a boolean.
    Alone(Vec<String>),
    /// A member of a collection fulfils the condition, or, if `all`, every one does.
    Members {
        /// The path of the collection.
        path: Vec<String>,
        /// Whether every member must.
        all: bool,
        /// What they must fulfil; nothing for `any()`.
        condition: Option<Box<Condition>>,
    },
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// A property, through single-valued navigation properties.
    Path(Vec<String>),
    /// A literal.
    Literal(Value),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `eq`.
    Equal,
    /// `ne`.
    NotEqual,
    /// `gt`.
    Greater,
    /// `ge`.
    GreaterOrEqual,
    /// `lt`.
    Less,
    /// `le`.
    LessOrEqual,
}

/// Where a part stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Anywhere.
    Anywhere,
    /// At its start.
    Start,
    /// At its end.
    End,
}

/// Reads a filter.
pub(crate) fn parse(text: &str, aliases: &Aliases) -> Result<Condition, Fault> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens: &tokens, at: 0, aliases, variable: None };
    let condition = parser.either()?;
    if parser.at < tokens.len() {
        return Err(parser.wrong());
    }
    Ok(condition)
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    aliases: &'a Aliases,
    variable: Option<String>,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Condition, Fault> {
        let mut left = self.both()?;
        while self.word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, Fault> {
        let mut left = self.single()?;
        while self.word("and") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Condition, Fault> {
        if self.word("not") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.take(&Token::Open) {
            let inner = self.either()?;
            self.expect(&Token::Close)?;
            return Ok(inner);
        }
        match (self.peek(0), self.peek(1)) {
            (Some(Token::Bare(name)), Some(Token::Open)) => {
                let name = name.clone();
                self.at += 2;
                self.function(&name)
            }
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        let Some(comparison) = self.comparator() else {
            return match left {
                Operand::Path(path) => Ok(Condition::Alone(path)),
                Operand::Literal(_) => Err(self.wrong()),
            };
        };
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    fn comparator(&mut self) -> Option<Comparison> {
        let Some(Token::Bare(word)) = self.peek(0) else { return None };
        let comparison = match word.as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        let token = self.peek(0).cloned().ok_or_else(|| self.wrong())?;
        self.at += 1;
        if let Token::Bare(word) = &token
            && let Some(name) = word.strip_prefix('@')
        {
            return Ok(Operand::Literal(self.alias(name)?));
        }
        match (value(&token), token) {
            (Some(literal), _) => Ok(Operand::Literal(literal)),
            (None, Token::Bare(word)) => Ok(Operand::Path(self.path(&word))),
            _ => Err(self.wrong()),
        }
    }

    fn path(&self, word: &str) -> Vec<String> {
        let variable = self.variable.as_deref().unwrap_or_default();
        // The first path of a lambda has the declaration in front of it: `o:o/name`.
        let word =
            word.strip_prefix(variable).and_then(|rest| rest.strip_prefix(':')).unwrap_or(word);
        let own =
            word.strip_prefix(variable).and_then(|rest| rest.strip_prefix('/')).unwrap_or(word);
        own.split('/').map(str::to_owned).collect()
    }

    fn alias(&self, name: &str) -> Result<Value, Fault> {
        let text = self.aliases.get(name).ok_or_else(|| {
            syntax(&format!("the parameter alias '@{name}' has no value"), self.text)
        })?;
        let words = tokens(text)?;
        let literal = if words.len() == 1 { words.first().and_then(value) } else { None };
        literal.ok_or_else(|| syntax("a parameter alias is not a literal", text))
    }

    fn function(&mut self, name: &str) -> Result<Condition, Fault> {
        let short = name.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(name);
        match short {
            "contains" => self.part(Part::Anywhere),
            "startswith" => self.part(Part::Start),
            "endswith" => self.part(Part::End),
            "In" | "ContainValues" => self.among(),
            "NotIn" | "DoesNotContainValues" => Ok(Condition::Not(Box::new(self.among()?))),
            _ => self.lambda(name),
        }
    }

    fn part(&mut self, part: Part) -> Result<Condition, Fault> {
        let text = self.operand()?;
        self.expect(&Token::Comma)?;
        let searched = self.operand()?;
        self.expect(&Token::Close)?;
        Ok(Condition::Part(text, part, searched))
    }

    /// Reads `PropertyName=@p1,PropertyValues=@p2)`, with both in either order and inline or by alias.
    fn among(&mut self) -> Result<Condition, Fault> {
        let mut name = None;
        let mut values = None;
        while !self.take(&Token::Close) {
            let Some(Token::Bare(argument)) = self.peek(0).cloned() else {
                return Err(self.wrong());
            };
            self.at += 1;
            self.expect(&Token::Equals)?;
            match argument.as_str() {
                "PropertyName" => name = Some(self.operand()?),
                "PropertyValues" => values = Some(self.values()?),
                _ => return Err(self.wrong()),
            }
            self.take(&Token::Comma);
        }
        match (name, values) {
            (Some(Operand::Literal(Value::String(name))), Some(values)) => {
                Ok(Condition::Among(vec![name], values))
            }
            _ => Err(self.wrong()),
        }
    }

    fn values(&mut self) -> Result<Vec<Value>, Fault> {
        let token = self.peek(0).cloned().ok_or_else(|| self.wrong())?;
        self.at += 1;
        match token {
            Token::Array(text) => elements(&text),
            Token::Bare(word) => {
                match word.strip_prefix('@').and_then(|name| self.aliases.get(name)) {
                    Some(text) => elements(text),
                    None => Err(self.wrong()),
                }
            }
            _ => Err(self.wrong()),
        }
    }

    fn lambda(&mut self, name: &str) -> Result<Condition, Fault> {
        let (path, all) = match (name.strip_suffix("/any"), name.strip_suffix("/all")) {
            (Some(path), _) => (self.path(path), false),
            (_, Some(path)) => (self.path(path), true),
            _ => {
                return Err(Fault::address(format!(
                    "An unknown function with name '{name}' was found."
                )));
            }
        };
        if self.take(&Token::Close) {
            return Ok(Condition::Members { path, all, condition: None });
        }
        let outer = self.variable.take();
        self.variable = Some(self.declared()?);
        let condition = Some(Box::new(self.either()?));
        self.variable = outer;
        self.expect(&Token::Close)?;
        Ok(Condition::Members { path, all, condition })
    }

    /// Reads the variable of `o:o/name`; with a space after the colon the declaration is a word of its own.
    fn declared(&mut self) -> Result<String, Fault> {
        let Some(Token::Bare(word)) = self.peek(0) else { return Err(self.wrong()) };
        let (variable, rest) = word.split_once(':').ok_or_else(|| self.wrong())?;
        let declared = (variable.to_owned(), rest.is_empty());
        self.at += usize::from(declared.1);
        Ok(declared.0)
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek(0) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(0), Some(Token::Bare(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), Fault> {
        if self.take(token) { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> Fault {
        syntax(&format!("word {} is not expected", self.at + 1), self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(name: &str) -> Operand {
        Operand::Path(vec![name.to_owned()])
    }

    #[test]
    fn and_binds_closer_than_or() {
        let parsed = parse("a eq 1 or b eq 2 and c eq 3", &Aliases::new()).unwrap();
        let Condition::Or(left, right) = parsed else { panic!("{parsed:?}") };
        assert_eq!(
            *left,
            Condition::Compare(path("a"), Comparison::Equal, Operand::Literal(json!(1)))
        );
        assert!(matches!(*right, Condition::And(..)));
    }

    #[test]
    fn in_takes_its_arguments_inline_or_by_alias() {
        let wanted = Condition::Among(vec!["workflowid".to_owned()], vec![json!("a"), json!("b")]);
        let inline =
            "Microsoft.Dynamics.CRM.In(PropertyName='workflowid',PropertyValues=['a','b'])";
        assert_eq!(parse(inline, &Aliases::new()).unwrap(), wanted);
        let aliases = [("p1", "'workflowid'"), ("p2", "[\"a\",\"b\"]")];
        let aliases = aliases.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let by_alias = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)";
        assert_eq!(parse(by_alias, &aliases).unwrap(), wanted);
    }

    #[test]
    fn what_is_left_over_is_refused() {
        assert!(parse("a eq 1 b", &Aliases::new()).is_err());
        assert!(parse("(a eq 1", &Aliases::new()).is_err());
        assert!(parse("a in (1,2)", &Aliases::new()).is_err());
    }
}
