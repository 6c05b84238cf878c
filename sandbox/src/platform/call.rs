//! A call that may be made: its caller, its arguments, and the checks that every call makes of them.

use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;

use super::envelope::Refusal;
use super::pages::Walking;
use crate::wire::request::{Decoded, UploadedFile};
use crate::world::World;
use crate::world::samples::Sample;
use crate::world::tokens::{Principal, Token};

pub struct Call<'a> {
    pub world: &'a Arc<World>,
    pub request: &'a Decoded,
    /// The ids in the path.
    pub ids: Vec<&'a str>,
    pub token: Option<Token>,
}

impl Call<'_> {
    /// The fields of the query (GET) or the form (POST), which are all the arguments there are.
    pub fn fields(&self) -> &[(String, String)] {
        if self.request.method == Method::GET { &self.request.query } else { &self.request.form }
    }

    /// An argument; an empty one counts as not given, and the last of several is the one.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value =
            self.fields().iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::argument(name, "缺少必填参数"))
    }

    /// A whole number within `range`.
    pub fn int(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Refusal::argument(name, &format!("应为 {} 至 {} 的整数", range.start(), range.end()))),
        }
    }

    pub fn need_int(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, Refusal> {
        self.need(name)?;
        self.int(name, range)?.ok_or_else(|| Refusal::argument(name, "缺少必填参数"))
    }

    /// `True` or `False`, spelled so.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some("True") => Ok(Some(true)),
            Some("False") => Ok(Some(false)),
            Some(_) => Err(Refusal::argument(name, "应为 True 或 False")),
        }
    }

    /// The members of a comma-separated list, none of which may be empty.
    pub fn list(&self, name: &str) -> Result<Option<Vec<&str>>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let members: Vec<_> = text.split(',').collect();
        if members.iter().any(|member| member.is_empty()) {
            return Err(Refusal::argument(name, "应为逗号分隔的列表"));
        }
        Ok(Some(members))
    }

    /// A list of numbers from 1 to `last`.
    pub fn codes(&self, name: &str, last: usize) -> Result<Option<Vec<usize>>, Refusal> {
        let Some(members) = self.list(name)? else { return Ok(None) };
        let codes = members.iter().map(|member| member.parse().ok().filter(|code| (1..=last).contains(code)));
        match codes.collect() {
            Some(codes) => Ok(Some(codes)),
            None => Err(Refusal::argument(name, &format!("取值范围: 1-{last}"))),
        }
    }

    /// One of a few words.
    pub fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<Option<&'c str>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(Refusal::argument(name, &format!("可选值: {}", choices.join(", ")))),
        }
    }

    pub fn need_choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<&'c str, Refusal> {
        self.need(name)?;
        self.choice(name, choices)?.ok_or_else(|| Refusal::argument(name, "缺少必填参数"))
    }

    /// A JSON text in one field.
    pub fn json(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| Refusal::argument(name, "应为 JSON"))
    }

    /// A zip file, under a name without folders.
    pub fn zip(&self, name: &str) -> Result<Option<&UploadedFile>, Refusal> {
        let Some(file) = self.request.files.iter().find(|file| file.name == name) else { return Ok(None) };
        if file.filename.is_empty() || file.filename.contains('/') {
            return Err(Refusal::argument(name, "文件名错误"));
        }
        // The official client leaves it out with some calls.
        if file.content_type.as_deref().is_some_and(|stated| stated != "application/zip") {
            return Err(Refusal::argument(name, "Content-Type 应为 application/zip"));
        }
        Ok(Some(file))
    }

    /// `limit`: at least 1, at most `most`, and never more than the page cap.
    pub fn limit(&self, default: usize, most: Option<i64>) -> Result<usize, Refusal> {
        let options = self.world.options();
        let most = match i64::try_from(options.max_limit) {
            Ok(0) => most.unwrap_or(i64::MAX),
            Ok(max) => most.map_or(max, |most| most.min(max)),
            Err(_) => most.unwrap_or(i64::MAX),
        };
        let limit = self.int("limit", 1..=most)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default);
        Ok(limit.min(usize::try_from(options.page_cap).unwrap_or(usize::MAX)))
    }

    pub fn walking(&self) -> Walking {
        Walking::new(&self.world.options())
    }

    /// A page number: 1 unless given.
    pub fn page(&self, name: &str) -> Result<usize, Refusal> {
        let page = self.int(name, 1..=i64::MAX)?.unwrap_or(1);
        usize::try_from(page).map_err(|_| Refusal::argument(name, "应为整数"))
    }

    pub fn caller(&self) -> Result<&Principal, Refusal> {
        self.token.as_ref().map(|token| &token.caller).ok_or_else(Refusal::bad_token)
    }

    /// The caller's own sample of this id.
    pub fn own_sample(&self, biosample_id: &str) -> Result<Arc<Sample>, Refusal> {
        let caller = self.caller()?;
        let samples = self.world.samples();
        let sample = samples.get(biosample_id).filter(|sample| sample.belongs_to(caller));
        sample.cloned().ok_or_else(Refusal::not_your_sample)
    }

    /// The caller's own sample that `biosample_id` names, which must be given.
    pub fn sample(&self) -> Result<Arc<Sample>, Refusal> {
        self.own_sample(self.need("biosample_id")?)
    }
}
