//! The expressions of a template, built anew by the guard. Pure.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of an expression of another kind only its kind is known"
)]

use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, Compare, CompareOp, Const, Expr, Filter, GetAttr, GetItem,
    IfExpr, Spanned, Test, UnaryOp, UnaryOpKind, Var,
};

use super::guard::{DATA, Guard, META, Need, Refused, refused};
use super::ops;

impl<'a> Guard<'a> {
    /// Whether the template gives a name its value: in every case, or in some (false).
    fn declared(&self, name: &str) -> Option<bool> {
        if name == "loop" && self.loops > 0 {
            return Some(true);
        }
        let mut inner_first = self.scopes.iter().rev();
        inner_first.find_map(|scope| scope.get(name).copied())
    }

    /// A name is looked up. What a branch may have given a value is needed where it has not.
    fn looked_up(&mut self, name: &str, span: Span, optional: bool) {
        match self.declared(name) {
            Some(true) => {}
            Some(false) => self.need(name, span, true),
            None => self.need(name, span, optional),
        }
    }

    fn need(&mut self, name: &str, span: Span, optional: bool) {
        let line = span.start_line.into();
        let need = (self.needs.names).entry(name.to_owned());
        need.or_insert(Need { line, optional }).optional |= optional;
    }

    /// An operand whose absence has an answer: it is looked up, and nothing else is done with it.
    fn maybe(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>, Refused> {
        match expr {
            Expr::Var(it) if ![DATA, META].contains(&it.id) => {
                self.looked_up(it.id, it.span(), true);
                Ok(Expr::Var(Spanned::new(Var { id: it.id }, it.span())))
            }
            Expr::GetAttr(_) | Expr::GetItem(_) => {
                if let Some(name) = Self::of_data(expr) {
                    self.need(&name, expr.span(), true);
                }
                self.expr(expr)
            }
            other => self.expr(other),
        }
    }

    /// The name in `data.name` and `data["name"]`.
    fn of_data(expr: &Expr<'a>) -> Option<String> {
        let is_data = |expr: &Expr<'a>| matches!(expr, Expr::Var(var) if var.id == DATA);
        match expr {
            Expr::GetAttr(it) if is_data(&it.expr) => Some(it.name.to_owned()),
            Expr::GetItem(it) if is_data(&it.expr) => match &it.subscript_expr {
                Expr::Const(name) => name.value.as_str().map(str::to_owned),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a member is taken of. `data` itself does not need all values for that.
    fn base(&mut self, whole: &Expr<'a>, base: &Expr<'a>) -> Result<Expr<'a>, Refused> {
        if let (Some(name), Expr::Var(it)) = (Self::of_data(whole), base) {
            self.need(&name, whole.span(), false);
            return Ok(Expr::Var(Spanned::new(Var { id: it.id }, it.span())));
        }
        let built = self.expr(base)?;
        Ok(filter(ops::INDEXED, built, Vec::new(), base.span()))
    }

    fn measured(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>, Refused> {
        let built = self.expr(expr)?;
        Ok(filter(ops::MEASURED, built, Vec::new(), expr.span()))
    }

    pub(super) fn expr(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>, Refused> {
        match expr {
            Expr::Var(it) => {
                if it.id == DATA {
                    self.needs.all = true;
                } else if it.id != META {
                    self.looked_up(it.id, it.span(), false);
                }
                Ok(Expr::Var(Spanned::new(Var { id: it.id }, it.span())))
            }
            Expr::Const(it) => {
                let value = it.value.clone();
                Ok(Expr::Const(Spanned::new(Const { value }, it.span())))
            }
            Expr::GetAttr(it) => {
                let built = GetAttr {
                    expr: self.base(expr, &it.expr)?,
                    name: it.name,
                };
                Ok(Expr::GetAttr(Spanned::new(built, it.span())))
            }
            Expr::GetItem(it) => {
                let built = GetItem {
                    expr: self.base(expr, &it.expr)?,
                    subscript_expr: self.expr(&it.subscript_expr)?,
                };
                Ok(Expr::GetItem(Spanned::new(built, it.span())))
            }
            Expr::Slice(it) => {
                if it.step.is_some() {
                    return refused(it.span(), "a slice has no step here: take [from:to]");
                }
                let none = || {
                    let value = Value::from(());
                    Expr::Const(Spanned::new(Const { value }, it.span()))
                };
                let mut end = |end: &Option<Expr<'a>>| match end {
                    Some(expr) => self.expr(expr),
                    None => Ok(none()),
                };
                let ends = vec![end(&it.start)?, end(&it.stop)?];
                Ok(filter(ops::SLICE, self.expr(&it.expr)?, ends, it.span()))
            }
            Expr::UnaryOp(it) => {
                let not = matches!(it.op, UnaryOpKind::Not);
                let op = if not {
                    UnaryOpKind::Not
                } else {
                    UnaryOpKind::Neg
                };
                let built = UnaryOp {
                    op,
                    expr: self.expr(&it.expr)?,
                };
                Ok(Expr::UnaryOp(Spanned::new(built, it.span())))
            }
            Expr::BinOp(it) => self.binary(it),
            Expr::Compare(it) => {
                let ops = it.ops.iter().map(|op| {
                    Ok(CompareOp {
                        op: op.op,
                        expr: self.measured(&op.expr)?,
                    })
                });
                let ops = ops.collect::<Result<_, Refused>>()?;
                let built = Compare {
                    expr: self.measured(&it.expr)?,
                    ops,
                };
                Ok(Expr::Compare(Spanned::new(built, it.span())))
            }
            Expr::IfExpr(it) => {
                let nothing = || {
                    let value = Value::from("");
                    Expr::Const(Spanned::new(Const { value }, it.span()))
                };
                let otherwise = it.false_expr.as_ref();
                let built = IfExpr {
                    test_expr: self.expr(&it.test_expr)?,
                    true_expr: self.expr(&it.true_expr)?,
                    false_expr: Some(
                        otherwise.map_or_else(|| Ok(nothing()), |expr| self.expr(expr))?,
                    ),
                };
                Ok(Expr::IfExpr(Spanned::new(built, it.span())))
            }
            Expr::Filter(it) => self.filter(it),
            Expr::Test(it) => self.test(it),
            Expr::Call(it) => self.call(it),
            Expr::List(it) => self.built(ops::LIST, it.items.iter(), it.span()),
            Expr::Tuple(it) => self.built(ops::LIST, it.items.iter(), it.span()),
            Expr::Map(it) => {
                let pairs = it.keys.iter().zip(&it.values);
                self.built(
                    ops::MAP,
                    pairs.flat_map(|(key, value)| [key, value]),
                    it.span(),
                )
            }
        }
    }

    fn binary(&mut self, it: &Spanned<BinOp<'a>>) -> Result<Expr<'a>, Refused> {
        let name = match it.op {
            BinOpKind::Concat => ops::CONCAT,
            BinOpKind::Add => ops::ADD,
            BinOpKind::Mul => ops::MUL,
            BinOpKind::ScAnd | BinOpKind::ScOr => {
                let built = BinOp {
                    op: it.op,
                    left: self.expr(&it.left)?,
                    right: self.expr(&it.right)?,
                };
                return Ok(Expr::BinOp(Spanned::new(built, it.span())));
            }
            BinOpKind::Eq
            | BinOpKind::Ne
            | BinOpKind::Lt
            | BinOpKind::Lte
            | BinOpKind::Gt
            | BinOpKind::Gte
            | BinOpKind::In
            | BinOpKind::Sub
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => {
                let built = BinOp {
                    op: it.op,
                    left: self.measured(&it.left)?,
                    right: self.measured(&it.right)?,
                };
                return Ok(Expr::BinOp(Spanned::new(built, it.span())));
            }
        };
        let (left, right) = (self.expr(&it.left)?, self.expr(&it.right)?);
        Ok(filter(name, left, vec![right], it.span()))
    }

    fn args(&mut self, args: &[CallArg<'a>], span: Span) -> Result<Vec<CallArg<'a>>, Refused> {
        let built = args.iter().map(|arg| match arg {
            CallArg::Pos(expr) => Ok(CallArg::Pos(self.expr(expr)?)),
            CallArg::Kwarg(name, expr) => Ok(CallArg::Kwarg(name, self.expr(expr)?)),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                refused(span, "arguments cannot be unpacked with * here")
            }
        });
        built.collect()
    }

    fn filter(&mut self, it: &Spanned<Filter<'a>>) -> Result<Expr<'a>, Refused> {
        if !ops::filters().any(|known| known == it.name) {
            let known: Vec<&str> = ops::filters().collect();
            let what = format!(
                "there is no filter {}; there are {}",
                it.name,
                known.join(", ")
            );
            return refused(it.span(), what);
        }
        let expr = match &it.expr {
            Some(expr) if ["default", "d"].contains(&it.name) => Some(self.maybe(expr)?),
            Some(expr) => Some(self.expr(expr)?),
            None => None,
        };
        let built = Filter {
            name: it.name,
            expr,
            args: self.args(&it.args, it.span())?,
        };
        Ok(Expr::Filter(Spanned::new(built, it.span())))
    }

    fn test(&mut self, it: &Spanned<Test<'a>>) -> Result<Expr<'a>, Refused> {
        if !ops::TESTS.contains(&it.name) {
            let what = format!(
                "there is no test {}; there are {}",
                it.name,
                ops::TESTS.join(", ")
            );
            return refused(it.span(), what);
        }
        let expr = if ["defined", "undefined"].contains(&it.name) {
            self.maybe(&it.expr)?
        } else {
            self.measured(&it.expr)?
        };
        let built = Test {
            name: it.name,
            expr,
            args: self.args(&it.args, it.span())?,
        };
        Ok(Expr::Test(Spanned::new(built, it.span())))
    }

    fn call(&mut self, it: &Spanned<Call<'a>>) -> Result<Expr<'a>, Refused> {
        let name = match &it.expr {
            Expr::Var(var) if ops::functions().any(|known| known == var.id) => var.id,
            Expr::GetAttr(attr) => {
                let what = format!(
                    "methods such as .{}() cannot be called here: take a filter, as in value | {}",
                    attr.name, attr.name
                );
                return refused(it.span(), what);
            }
            _ => {
                let known: Vec<&str> = ops::functions().collect();
                let what = format!("only these can be called: {}", known.join(", "));
                return refused(it.span(), what);
            }
        };
        let args = self.args(&it.args, it.span())?;
        Ok(call(name, args, it.span()))
    }

    fn built<'e>(
        &mut self,
        name: &'static str,
        parts: impl Iterator<Item = &'e Expr<'a>>,
        span: Span,
    ) -> Result<Expr<'a>, Refused>
    where
        'a: 'e,
    {
        let parts = parts.map(|part| Ok(CallArg::Pos(self.expr(part)?)));
        Ok(call(name, parts.collect::<Result<_, Refused>>()?, span))
    }
}

fn call<'a>(name: &'a str, args: Vec<CallArg<'a>>, span: Span) -> Expr<'a> {
    let expr = Expr::Var(Spanned::new(Var { id: name }, span));
    Expr::Call(Spanned::new(Call { expr, args }, span))
}

pub(super) fn filter<'a>(
    name: &'static str,
    expr: Expr<'a>,
    args: Vec<Expr<'a>>,
    span: Span,
) -> Expr<'a> {
    let built = Filter {
        name,
        expr: Some(expr),
        args: args.into_iter().map(CallArg::Pos).collect(),
    };
    Expr::Filter(Spanned::new(built, span))
}
