from django.urls import path

from customers.api import clocks, events, payment_methods, views

urlpatterns = [
    path("customers", views.Customers.as_view()),
    path("customers/<str:customer>", views.OneCustomer.as_view()),
    path("customers/<str:customer>/subjects", views.Subjects.as_view()),
    path("customers/<str:customer>/subjects/bulk", views.SubjectsInBulk.as_view()),
    path("customers/<str:customer>/subjects/<str:subject>", views.OneSubject.as_view()),
    path("customers/<str:customer>/timeline", events.CustomerTimeline.as_view()),
    path("events", events.Events.as_view()),
    path("test-clocks", clocks.Clocks.as_view()),
    path("test-clocks/<str:clock>", clocks.OneClock.as_view()),
    path("test-clocks/<str:clock>/advance", clocks.Advance.as_view()),
    path("customers/<str:customer>/payment-method", payment_methods.PaymentMethod.as_view()),
]
