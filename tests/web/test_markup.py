"""What the Nu Html Checker refuses, on every page."""

from collections.abc import Callable

from flask import Flask

from ..support.people import Tenant
from ..support.portal_client import ANY_STATUS
from ..support.url_map import pages


def test_markup_is_what_the_standard_asks_for(app: Flask, an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    for browser in (tenant.browser, tenant.browser.another_browser()):
        for path in pages(app):
            page = browser.get(path, status=ANY_STATUS)
            if not page.is_html:
                continue
            assert not page.tree.xpath("//@href[contains(., ' ')] | //@src[contains(., ' ')]"), path
            assert not page.tree.xpath("//*[@popovertarget and @aria-expanded]"), path
            assert not page.tree.xpath("//section[not(.//h1 or .//h2 or .//h3)]"), path
            ids = page.tree.xpath("//@id")
            assert len(ids) == len(set(ids)), path
