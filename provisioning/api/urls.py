from django.urls import path

from provisioning.api import services, targets

urlpatterns = [
    path("product-services", services.ProductServices.as_view()),
    path("product-services/<str:service>", services.OneProductService.as_view()),
    path("product-services/<str:service>/pause", services.Pause.as_view()),
    path("product-services/<str:service>/resume", services.Resume.as_view()),
    path("product-services/<str:service>/disable", services.Disable.as_view()),
    path("product-services/<str:service>/resync", services.Resync.as_view()),
    path("product-services/<str:service>/retry", services.RetryDeadLetters.as_view()),
    path("product-services/<str:service>/secrets", services.Secrets.as_view()),
    path("product-services/<str:service>/secrets/<str:secret>", services.OneSecret.as_view()),
    path("provisioning/targets", targets.Targets.as_view()),
    path("provisioning/targets/<str:target>", targets.OneTarget.as_view()),
    path("provisioning/targets/<str:target>/resync", targets.ResyncTarget.as_view()),
    path("provisioning/targets/<str:target>/attempts", targets.Attempts.as_view()),
    path("customers/<str:customer>/provisioning", targets.CustomerProvisioning.as_view()),
]
