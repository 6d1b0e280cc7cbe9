//! Between the parser and the engine: what a template may say, and which names it needs. Pure.
//!
//! The engine bounds steps, and not what one step makes: `{% set a = a ~ a %}` forty times is forty steps and a terabyte. So the
//! tree is built anew with every operation that makes something large or deep (joining, adding, lists, slices, raw text) turned
//! into a call of ours that counts ([`super::run`]), and what cannot be counted (methods, recursion, assignment to attributes)
//! is refused. What is refused here is refused before a vault is asked.
//!
//! The tree is minijinja's own and may change in any release of it: the root `Cargo.toml` names one release exactly.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of an expression of another kind only its kind is known"
)]

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::machinery::ast::{
    Const, EmitExpr, Expr, FilterBlock, ForLoop, IfCond, List, Set, SetBlock, Spanned, Stmt,
    Template, Var, WithBlock,
};
use minijinja::machinery::{Span, Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::exprs::filter;
use super::ops;

/// Bytes of one template.
pub(super) const MAX_TEXT: usize = 60_000;
/// Words and signs between two braces: the tree is as deep as an expression is long, and it is walked on the stack.
const MAX_TOKENS: usize = 400;
/// `elif` of one template, for the same reason.
const MAX_ELIF: usize = 64;
/// The map of all values, for keys that are no identifiers.
pub(super) const DATA: &str = "data";
/// What is known of the sync.
pub(super) const META: &str = "meta";

/// Why a template is refused: the line (from 1) and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) line: usize,
    pub(super) what: String,
}

/// A name that a template refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The first line that does, from 1.
    pub line: usize,
    /// Whether the template has an answer to its absence: `default(…)`, `is defined`.
    pub optional: bool,
}

/// The values that a template refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// By name.
    pub names: BTreeMap<String, Need>,
    /// Whether it goes through all values there are (`data` as a whole).
    pub all: bool,
}

/// Parses and rebuilds. The tree borrows from the text.
pub(super) fn checked<'a>(name: &'a str, text: &'a str) -> Result<(Stmt<'a>, Needs), Refused> {
    scan(text)?;
    let tree = parse(text, name, syntax()).map_err(|error| Refused {
        line: error.line().unwrap_or(1),
        what: error.detail().unwrap_or("it is no template").to_owned(),
    })?;
    let mut guard = Guard::default();
    let tree = guard.stmt(&tree)?;
    Ok((tree, guard.needs))
}

/// The usual delimiters; the last line break of the text stays, since a file has one.
fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.keep_trailing_newline(true);
    // Only other delimiters could be wrong.
    builder.build().unwrap_or_default()
}

/// Bounds that must hold before the parser is called, since it calls itself as deep as the text says.
fn scan(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_TEXT {
        let what = format!("it is longer than {MAX_TEXT} bytes");
        return Err(Refused { line: 1, what });
    }
    let (mut inside, mut elif, mut begun) = (0, 0, false);
    for token in tokenize(text, false, syntax()) {
        // The parser words it better.
        let Ok((token, span)) = token else {
            return Ok(());
        };
        let refuse = |what: String| Refused {
            line: span.start_line.into(),
            what,
        };
        inside += 1;
        if inside > MAX_TOKENS {
            return Err(refuse(format!(
                "an expression has more than {MAX_TOKENS} words and signs; divide it"
            )));
        }
        if begun && matches!(token, Token::Ident("elif")) {
            elif += 1;
            if elif > MAX_ELIF {
                return Err(refuse(format!("it has more than {MAX_ELIF} elif")));
            }
        }
        begun = matches!(token, Token::BlockStart);
        if matches!(
            token,
            Token::VariableEnd | Token::BlockEnd | Token::TemplateData(_)
        ) {
            inside = 0;
        }
    }
    Ok(())
}

#[derive(Default)]
pub(super) struct Guard<'a> {
    pub(super) needs: Needs,
    /// Names that the template itself gives a value, by block, and whether it does so in every case.
    pub(super) scopes: Vec<BTreeMap<&'a str, bool>>,
    pub(super) loops: usize,
    /// In a block whose output becomes a text.
    captures: usize,
}

pub(super) fn refused<T>(span: Span, what: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        line: span.start_line.into(),
        what: what.into(),
    })
}

impl<'a> Guard<'a> {
    fn body(&mut self, body: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>, Refused> {
        self.scopes.push(BTreeMap::new());
        let built = body.iter().map(|stmt| self.stmt(stmt)).collect();
        self.scopes.pop();
        built
    }

    /// A branch, whose names stay behind it if it was taken.
    fn branch(&mut self, body: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>, Refused> {
        self.scopes.push(BTreeMap::new());
        let built = body.iter().map(|stmt| self.stmt(stmt)).collect();
        let named = self.scopes.pop().unwrap_or_default();
        if let Some(scope) = self.scopes.last_mut() {
            for name in named.into_keys() {
                scope.entry(name).or_insert(false);
            }
        }
        built
    }

    fn captured(&mut self, body: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>, Refused> {
        self.captures += 1;
        let built = body.iter().map(|stmt| self.stmt(stmt)).collect();
        self.captures -= 1;
        built
    }

    fn stmt(&mut self, stmt: &Stmt<'a>) -> Result<Stmt<'a>, Refused> {
        match stmt {
            Stmt::Template(it) => {
                let children = self.body(&it.children)?;
                Ok(Stmt::Template(Spanned::new(
                    Template { children },
                    it.span(),
                )))
            }
            // Through the formatter, which counts.
            Stmt::EmitRaw(it) => {
                let value = Value::from(it.raw);
                let expr = Expr::Const(Spanned::new(Const { value }, it.span()));
                Ok(Stmt::EmitExpr(Spanned::new(EmitExpr { expr }, it.span())))
            }
            Stmt::EmitExpr(it) => {
                let mut expr = self.expr(&it.expr)?;
                if self.captures > 0 {
                    expr = filter(ops::TEXT, expr, Vec::new(), it.span());
                }
                Ok(Stmt::EmitExpr(Spanned::new(EmitExpr { expr }, it.span())))
            }
            Stmt::ForLoop(it) => self.for_loop(it).map(Stmt::ForLoop),
            Stmt::IfCond(it) => {
                let built = IfCond {
                    expr: self.expr(&it.expr)?,
                    true_body: self.branch(&it.true_body)?,
                    false_body: self.branch(&it.false_body)?,
                };
                Ok(Stmt::IfCond(Spanned::new(built, it.span())))
            }
            Stmt::WithBlock(it) => {
                self.scopes.push(BTreeMap::new());
                let assigned = it.assignments.iter();
                let assignments = assigned
                    .map(|(target, expr)| Ok((self.expr(expr)?, self.target(target)?)))
                    .map(|pair| pair.map(|(expr, target)| (target, expr)))
                    .collect::<Result<_, Refused>>()?;
                let body = self.body(&it.body)?;
                self.scopes.pop();
                let built = WithBlock { assignments, body };
                Ok(Stmt::WithBlock(Spanned::new(built, it.span())))
            }
            Stmt::Set(it) => {
                let expr = self.expr(&it.expr)?;
                let target = self.target(&it.target)?;
                Ok(Stmt::Set(Spanned::new(Set { target, expr }, it.span())))
            }
            Stmt::SetBlock(it) => {
                let filter = it.filter.as_ref().map(|f| self.expr(f)).transpose()?;
                let body = self.captured(&it.body)?;
                let target = self.target(&it.target)?;
                let built = SetBlock {
                    target,
                    filter,
                    body,
                };
                Ok(Stmt::SetBlock(Spanned::new(built, it.span())))
            }
            Stmt::FilterBlock(it) => {
                let built = FilterBlock {
                    filter: self.expr(&it.filter)?,
                    body: self.captured(&it.body)?,
                };
                Ok(Stmt::FilterBlock(Spanned::new(built, it.span())))
            }
            Stmt::AutoEscape(it) => refused(it.span(), "there is no autoescape here"),
            Stmt::Do(it) => refused(it.span(), "there is no do here"),
        }
    }

    fn for_loop(&mut self, it: &Spanned<ForLoop<'a>>) -> Result<Spanned<ForLoop<'a>>, Refused> {
        if it.recursive {
            return refused(it.span(), "a loop cannot be recursive here");
        }
        let iter = self.expr(&it.iter)?;
        self.scopes.push(BTreeMap::new());
        let target = self.target(&it.target)?;
        let condition = it.filter_expr.as_ref();
        let filter_expr = condition.map(|expr| self.expr(expr)).transpose()?;
        self.loops += 1;
        let body = self.body(&it.body)?;
        self.loops -= 1;
        self.scopes.pop();
        let else_body = self.branch(&it.else_body)?;
        let built = ForLoop {
            target,
            iter,
            filter_expr,
            recursive: false,
            body,
            else_body,
        };
        Ok(Spanned::new(built, it.span()))
    }

    /// What a value is assigned to: names only. An attribute could make a value hold itself.
    fn target(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>, Refused> {
        match expr {
            Expr::Var(it) if [DATA, META].contains(&it.id) => refused(
                it.span(),
                format!("{} has a meaning of its own; take another name", it.id),
            ),
            Expr::Var(it) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(it.id, true);
                }
                Ok(Expr::Var(Spanned::new(Var { id: it.id }, it.span())))
            }
            Expr::List(it) => {
                let items = it.items.iter().map(|item| self.target(item));
                let items = items.collect::<Result<_, _>>()?;
                Ok(Expr::List(Spanned::new(List { items }, it.span())))
            }
            other => refused(other.span(), "only a name can be given a value"),
        }
    }
}
