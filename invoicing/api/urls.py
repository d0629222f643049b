from django.urls import path

from invoicing.api import views

urlpatterns = [
    path("subscriptions/<str:subscription>/charges", views.SubscriptionCharges.as_view()),
    path("customers/<str:customer>/charges", views.CustomerCharges.as_view()),
    path("customers/<str:customer>/credits", views.CustomerCredits.as_view()),
    path("customers/<str:customer>/credit-balance", views.CustomerBalance.as_view()),
]
