"""Where the catalog answers, below /v1."""

from django.urls import path

from plans.api import documents, versions, views

urlpatterns = [
    path("features", views.Features.as_view()),
    path("features/<str:feature>", views.OneFeature.as_view()),
    path("meters", views.Meters.as_view()),
    path("meters/<str:meter>", views.OneMeter.as_view()),
    path("products", views.Products.as_view()),
    path("products/<str:product>", views.OneProduct.as_view()),
    path("plans", views.Plans.as_view()),
    path("plans/<str:plan>", views.OnePlan.as_view()),
    path("plans/<str:plan>/versions", versions.Versions.as_view()),
    path("plans/<str:plan>/versions/<str:version>", versions.OneVersion.as_view()),
    path("plans/<str:plan>/versions/<str:version>/publish", versions.PublishVersion.as_view()),
    path("plans/<str:plan>/versions/<str:version>/archive", versions.ArchiveVersion.as_view()),
    path("add-ons", views.AddOns.as_view()),
    path("add-ons/<str:add_on>", views.OneAddOn.as_view()),
    path("coupons", views.Coupons.as_view()),
    path("coupons/<str:coupon>", views.OneCoupon.as_view()),
    path("catalog", documents.Catalog.as_view()),
]
