"""Each customer leads to the page that shows everything; staff accounts look like the rest."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from console import finding
from console.customer_page import actions
from console.customer_page.page import customer_page, find_customer
from core import ids
from core.admin import CheckedAdmin
from core.errors import DomainError
from customers.admin import CustomerAdmin
from customers.models import Customer

admin.site.unregister(Customer)
admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(Customer)
class CustomerPageAdmin(CustomerAdmin):
    """The customers' list; each row leads to the customer's page instead of to one table's row."""

    def get_urls(self) -> list[URLPattern]:
        protect = self.admin_site.admin_view
        return [
            path("find/", protect(require_GET(self.find)), name="console_find"),
            path("<str:customer_id>/do/", protect(require_POST(self.do)), name="console_do"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one customer; ``?subject=`` shows one subject of theirs alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        customer = find_customer(unquote(object_id))
        if customer is None:
            messages.warning(request, "There is no such customer.")
            return HttpResponseRedirect(finding.list_of(Customer))
        page = customer_page(customer, only=request.GET.get("subject", ""))
        return TemplateResponse(
            request,
            "console/customer.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Customer {customer.key or customer.id}",
                "page": page,
                "may": {
                    name: request.user.has_perm(action.permission)
                    for name, action in actions.ACTIONS.items()
                },
            },
        )

    def do(self, request: HttpRequest, customer_id: str) -> HttpResponse:
        """Run one action on one row of the customer's, and show the page again, at that row."""
        action = actions.ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            raise Http404("there is no such action")
        if not (self.has_view_permission(request) and request.user.has_perm(action.permission)):
            raise PermissionDenied
        row_id = request.POST.get("row", "")
        try:
            actions.run(action, customer_id=customer_id, row_id=row_id)
        except DomainError as error:
            messages.error(request, f"Nothing was done: {error.detail}")
        else:
            messages.success(request, action.done)
        return HttpResponseRedirect(
            finding.customer_url(customer_id, subject_id=request.GET.get("subject"), place=row_id)
        )

    def find(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that a term names, or else to the customers that look like it.

        :raises PermissionDenied: for staff who may not see customers
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        term = request.GET.get("q", "").strip()
        page = finding.page_of(term)
        if page is None and ids.is_type_id(term):
            messages.warning(request, f"Nothing is called {term}.")
        listed = f"{finding.list_of(Customer)}?{urlencode({'q': term})}"
        return HttpResponseRedirect(page or listed)


@admin.register(User)
class StaffAdmin(UserAdmin, CheckedAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin, CheckedAdmin):
    pass
